// The console's frame: who may see it, what is shown, and in which light.
import { render } from "../vendor/preact.js";
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-hooks.js";
import { apiKey, call, usePoll } from "./api.js";
import { html } from "./parts.js";
import { Overview } from "./views/overview.js";
import { Campaigns } from "./views/campaigns.js";
import { Timeline } from "./views/timeline.js";
import { Outbox } from "./views/outbox.js";
import { Spend } from "./views/spend.js";
import { Network } from "./views/network.js";

const POLL_MS = 3000;
const MAX_SAMPLES = 600;
const THEME = "hcs-bridge console theme";
const VIEWS = { "": ["Overview", Overview], campaigns: ["Campaigns", Campaigns], outbox: ["Outbox", Outbox], spend: ["Spend", Spend], network: ["Network", Network] };

/** The hash, #/view/rest?query, as the view's name, the rest and the query. */
function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  return { view: Object.hasOwn(VIEWS, view) ? view : "", rest: decodeURIComponent(rest.join("/")), query: new URLSearchParams(query) };
}

function usePlace() {
  const [here, setHere] = useState(place);
  useEffect(() => {
    const moved = () => setHere(place());
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return here;
}

function useTheme() {
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const [chosen, choose] = useState(localStorage.getItem(THEME));
  const [wished, setWished] = useState(wish.matches ? "dark" : "light");
  useEffect(() => {
    const changed = (event) => setWished(event.matches ? "dark" : "light");
    wish.addEventListener("change", changed);
    return () => wish.removeEventListener("change", changed);
  }, []);
  const theme = chosen ?? wished;
  useLayoutEffect(() => void (document.documentElement.dataset.theme = theme), [theme]);
  const toggle = () => {
    const other = theme === "dark" ? "light" : "dark";
    localStorage.setItem(THEME, other);
    choose(other);
  };
  return [theme, toggle];
}

/** What the status said each time, oldest first: the daemon counts, and keeps no history of it. */
function useSamples(status) {
  const samples = useRef([]);
  if (status && samples.current.at(-1)?.status !== status) {
    samples.current = [...samples.current, { status, atMs: Date.now() }].slice(-MAX_SAMPLES);
  }
  return samples.current;
}

function App() {
  const [signedIn, setSignedIn] = useState(apiKey.get() !== null);
  const [theme, toggle] = useTheme();
  const [refusal, setRefusal] = useState("");
  const leave = (why = "") => {
    apiKey.clear();
    setRefusal(why);
    setSignedIn(false);
  };
  return signedIn
    ? html`<${Console} theme=${theme} toggle=${toggle} leave=${leave} />`
    : html`<${SignIn} theme=${theme} toggle=${toggle} refusal=${refusal} enter=${() => setSignedIn(true)} />`;
}

function SignIn({ theme, toggle, refusal, enter }) {
  const [problem, setProblem] = useState(refusal);
  const submit = async (event) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget).get("key").trim();
    try {
      await call("/v1/status", { key });
      apiKey.set(key);
      enter();
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`
    <header><${Title} /><${ThemeButton} theme=${theme} toggle=${toggle} /></header>
    <main class="sign-in">
      <form onSubmit=${submit}>
        <h1>Console</h1>
        <label for="key">API key</label>
        <input id="key" name="key" type="password" autocomplete="off" spellcheck=${false} required autofocus
          aria-describedby="key-hint" aria-invalid=${problem !== ""} />
        <p id="key-hint" class="hint">One with the scope <code>console:read</code>. It is kept in this tab until it is closed.</p>
        ${problem && html`<p class="notice" data-tone="bad" role="alert">${problem}</p>`}
        <button class="primary">Open the console</button>
      </form>
    </main>`;
}

function Console({ theme, toggle, leave }) {
  const here = usePlace();
  const { data: status, error } = usePoll("/v1/status", POLL_MS);
  const samples = useSamples(status);
  const main = useRef(), first = useRef(true);
  const [name, View] = VIEWS[here.view];
  useEffect(() => {
    if (error?.status === 401 || error?.status === 403) leave(error.message);
  }, [error]);
  useEffect(() => {
    document.title = `${here.rest || name} · hcs-bridge console`;
    if (!first.current) main.current.focus(); // who moved by keyboard goes on from the new view
    first.current = false;
  }, [here.view, here.rest]);
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}>Skip to content</a>
    <header>
      <${Title} network=${status?.network} />
      <nav aria-label="Views">
        ${Object.entries(VIEWS).map(([view, [label]]) => html`
          <a key=${view} href="#/${view}" aria-current=${view === here.view ? "page" : undefined}>${label}</a>`)}
      </nav>
      <div class="session">
        <span class="pulse" data-tone=${error ? "bad" : "good"} role="status">${error ? "no answer" : status ? "live" : "connecting"}</span>
        <${ThemeButton} theme=${theme} toggle=${toggle} />
        <button onClick=${() => leave()}>Sign out</button>
      </div>
    </header>
    <main id="main" tabindex="-1" ref=${main}>
      ${error && html`<p class="notice" data-tone="bad" role="alert">${error.message} What you see is from before; it is tried again.</p>`}
      ${here.view === "campaigns" && here.rest
        ? html`<${Timeline} key=${here.rest} id=${here.rest} />`
        : html`<${View} key=${`${here.view}?${here.query}`} status=${status} samples=${samples} theme=${theme} query=${here.query} />`}
    </main>
    <footer>hcs-bridge ${status?.version}</footer>`;
}

const Title = ({ network }) => html`
  <p class="title"><img src="../icon.svg" alt="" width="24" height="24" /> hcs-bridge ${network && html`<small>${network}</small>`}</p>`;

const ThemeButton = ({ theme, toggle }) => html`
  <button class="icon" onClick=${toggle} aria-label=${theme === "dark" ? "Use the light theme" : "Use the dark theme"}>
    ${theme === "dark" ? "☀" : "☾"}
  </button>`;

render(html`<${App} />`, document.getElementById("app"));
