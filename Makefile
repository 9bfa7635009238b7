# make demo · make test · make test-long · make chaos · make soak · make check · make bench · make docs; each makes .venv and installs what it needs.

VENV := .venv
BIN := $(VENV)/bin
JS := tests/integration/js
CLIENT := bridge/web/client
NODE_MODULES := $(addsuffix /node_modules/.installed,$(JS) $(CLIENT) docs/examples/hashbuzz)
PYTEST := $(BIN)/pytest -q -n $$(( $$(nproc) < 4 ? $$(nproc) + 1 : 4 )) --dist worksteal
# What runs on both databases in the short form: all that has statements, without what only takes long.
STORES := tests/bridge/keys tests/bridge/console tests/bridge/test_database.py tests/bridge/test_migrations.py \
	tests/bridge/test_schema.py tests/bridge/test_settings.py tests/bridge/test_statements.py \
	$(addprefix tests/bridge/relay/,test_store.py test_progress.py test_pruning.py test_inbound.py) \
	$(addprefix tests/bridge/publish/,test_outbox.py test_flights.py test_flown.py test_pins.py test_costs.py test_booking.py \
	test_mending.py test_idempotency.py test_forgetting.py test_pool.py test_ingest.py test_obstacles.py test_survey.py)
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)

unexport PYTHONDONTWRITEBYTECODE  # the tests start hundreds of processes

.DEFAULT_GOAL := demo
.PHONY: demo test test-long chaos soak check coverage bench docs client lock sbom audit man browser java proxies promtool servers debian clean

demo: $(VENV)/.runtime  ## a network, the bridge, a day of campaigns and a live page, until Ctrl-C
	@$(BIN)/hcs-bridge demo

test: $(VENV)/.tests $(VENV)/.elsewhere $(NODE_MODULES) browser java proxies promtool servers  ## what decides whether a change is good
	@$(PYTEST) -m "not long"
	@$(PYTEST) -m "not long and not sqlite" --postgresql $(STORES)

test-long: $(VENV)/.tests $(VENV)/.elsewhere $(NODE_MODULES) browser java proxies promtool servers debian  ## the same, with the full chaos, drop and fuzz runs
	@$(PYTEST)
	@$(PYTEST) -m "not sqlite" --postgresql tests/bridge

chaos: $(VENV)/.tests  ## kill the daemon 300 times, then read the ledger; CHAOS_KILLS and CHAOS_SEED change how often and what is drawn
	@$(BIN)/pytest -q -s -m long tests/integration/test_chaos.py

soak: $(VENV)/.tests  ## half an hour of everything at once; SOAK_S is for how many seconds, SOAK_SEED what is drawn
	@$(BIN)/python -m tests.integration.soak

check: $(VENV)/.tests  ## format, lint, types, layout
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary -p bridge -p topics -p tests -p benchmarks
	@$(BIN)/pytest -q tests/test_layout.py

coverage: $(VENV)/.tests $(VENV)/.elsewhere $(NODE_MODULES) browser java proxies promtool servers
	@$(BIN)/pytest -q -m "not long" --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/.tests $(NODE_MODULES)  ## each prints one JSON object
	@for file in $$(ls benchmarks/[a-z]*.py 2>/dev/null); do \
		name=$$(basename $$file .py); echo "$$name"; $(BIN)/python -m benchmarks.$$name --json || exit 1; done

docs: $(VENV)/.docs  ## the site, into build/site: docs/ with a reference made of the code
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

client: $(CLIENT)/node_modules/.installed  ## build the browser client anew from its sources
	@cd $(CLIENT) && npm run build --silent

lock: build/lock/bin/pip-compile  ## pin what is installed, by hash: deploy/requirements.lock
	@$< --quiet --upgrade --generate-hashes --strip-extras --no-header --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --output-file=deploy/requirements.lock pyproject.toml

sbom: build/sbom/bin/cyclonedx-py  ## what is installed, as CycloneDX: build/sbom.json
	@PYTHONWARNINGS=ignore $< requirements --pyproject pyproject.toml --mc-type application --output-reproducible --output-file build/sbom.json \
		deploy/requirements.lock

audit: build/audit/bin/pip-audit  ## ask an advisory database, over the network, for known weaknesses in what is pinned
	@$< --require-hashes --disable-pip --requirement deploy/requirements.lock

man: $(VENV)/.runtime  ## the manual page anew, out of the commands' own help
	@$(BIN)/python deploy/make_man.py > deploy/hcs-bridge.1

# A command ($(2)) that comes with a package ($(3)), in an environment of its own: what it needs is none of ours.
define tool
build/$(1)/bin/$(2):
	@$$(PYTHON) -m venv build/$(1) && build/$(1)/bin/pip install --quiet --disable-pip-version-check '$(3)'
endef
$(eval $(call tool,lock,pip-compile,pip-tools))
$(eval $(call tool,sbom,cyclonedx-py,cyclonedx-bom~=7.5))
$(eval $(call tool,audit,pip-audit,pip-audit~=2.10))

clean:
	rm -rf $(VENV) $(dir $(NODE_MODULES)) .mypy_cache .ruff_cache .hypothesis

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "hcs-bridge needs Python 3.11 or newer; none found (PYTHON=/path/to/python3 names one)" >&2; exit 1; }
	@echo "making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/pip
	@echo "installing hcs-bridge into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.tests: pyproject.toml | $(BIN)/pip
	@echo "installing hcs-bridge and its test tools into $(VENV) ..."
	@$(PIP) -e '.[test,jvm,tracing,docs,postgresql,redis]'
	@touch $@ $(VENV)/.runtime $(VENV)/.docs

$(VENV)/.docs: pyproject.toml | $(BIN)/pip
	@echo "installing hcs-bridge and mkdocs into $(VENV) ..."
	@$(PIP) -e '.[docs]'
	@touch $@ $(VENV)/.runtime

%/node_modules/.installed: %/package-lock.json
	@command -v npm >/dev/null || { echo "the tests drive real JavaScript clients: install Node 20 or newer, with npm" >&2; exit 1; }
	@echo "installing the packages of $* ..."
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

$(VENV)/.elsewhere: | $(BIN)/pip
	@echo "installing another COSE library and a judge of CDDL, in an environment of their own ..."
	@$(BIN)/python -m venv $(VENV)/cwt && $(VENV)/cwt/bin/pip install --quiet --disable-pip-version-check 'cwt>=3.3,<4' 'cddl-verifier>=1.5,<2'
	@touch $@

# A Debian package, unless $(1) finds what it brings: $(2), for the tests of $(3).
define debian
	@$(1) || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $(2) ..."; \
		apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
	else echo "the tests of $(3) need it: apt-get install $(2)" >&2; fi
endef

browser:
	$(call debian,command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null,chromium,the pages)

java:
	$(call debian,command -v java >/dev/null || test -n "$$JAVA_HOME",default-jre-headless,hedera-sdk-py)

proxies:
	$(call debian,command -v nginx >/dev/null || test -x /usr/sbin/nginx,nginx-light,deploy/nginx.conf)
	$(call debian,command -v caddy >/dev/null,caddy,deploy/Caddyfile)

promtool:
	$(call debian,command -v promtool >/dev/null,prometheus,deploy/alerts.yml)

servers:
	$(call debian,ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1,postgresql,database.url on a server)
	$(call debian,command -v redis-server >/dev/null,redis-server,bus.url)
	$(call debian,ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1,libfaketime,daemons whose clocks are wrong)

debian:
	$(call debian,command -v debootstrap >/dev/null,debootstrap,a service under systemd)
