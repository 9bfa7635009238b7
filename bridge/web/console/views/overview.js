// Whether all is well, what is under way, and how fast it goes.
import { useMemo } from "../../vendor/preact-hooks.js";
import { Chart } from "../chart.js";
import { Figure, html, Waiting } from "../parts.js";
import { plural } from "../text.js";

const WINDOW_MS = 15_000; // rates are over so long: what is booked and read comes in portions

/** What an operator should look at, worst first. */
export function troubles(status) {
  const { halted, stopped, outbox, mirrors, nodes } = status;
  const down = mirrors.filter((mirror) => mirror.state === "down").length;
  const failing = nodes.filter((node) => node.failures).length;
  return [
    down && ["bad", down === mirrors.length ? "No mirror answers: nothing gets confirmed." : `${plural(down, "mirror")} of ${mirrors.length} down.`, "#/network"],
    failing && ["bad", failing === nodes.length ? "No node answers: nothing is sent." : `${plural(failing, "node")} of ${nodes.length} failing.`, "#/network"],
    halted && ["bad", `${plural(halted, "topic")} halted: what the mirrors show doesn’t verify.`, "#/campaigns?halted=true"],
    outbox.parked && ["warn", `${plural(outbox.parked, "event")} parked: refused by the network.`, "#/outbox"],
    stopped && ["warn", `${plural(stopped, "campaign")} can’t send just now.`, "#/outbox?state=waiting"],
  ].filter(Boolean);
}

/** Per second over the last WINDOW_MS before each sample: times in s, accepted events, verified messages. */
export function rates(samples) {
  const times = [], accepted = [], verified = [];
  samples.forEach((now, index) => {
    const before = samples.find((sample) => sample.atMs >= now.atMs - WINDOW_MS);
    if (index === 0 || before === now) return;
    const s = (now.atMs - before.atMs) / 1000;
    times.push(now.atMs / 1000);
    accepted.push((now.status.accepted - before.status.accepted) / s);
    verified.push((now.status.verified - before.status.verified) / s);
  });
  return [times, accepted, verified];
}

const SERIES = [
  { label: "events accepted", color: "--accent" },
  { label: "messages verified", color: "--good" },
];

export function Overview({ status, samples, theme }) {
  const data = useMemo(() => rates(samples), [samples]);
  if (!status) return html`<h1>Overview</h1><${Waiting} />`;
  const found = troubles(status), { outbox } = status;
  const [, accepted, verified] = data;
  const rate = (values) => values.at(-1).toFixed(1);
  return html`
    <h1>Overview</h1>
    ${found.length
      ? html`<ul class="troubles">${found.map(([tone, text, href]) => html`<li data-tone=${tone} key=${href + text}><span>${text}</span> <a href=${href}>Look</a></li>`)}</ul>`
      : html`<p class="notice" data-tone="good">All is well: mirrors and nodes answer, nothing is halted, parked or held up.</p>`}
    <dl class="figures">
      <${Figure} label="campaigns" value=${status.campaigns} href="#/campaigns" />
      <${Figure} label="waiting" value=${outbox.waiting} href="#/outbox?state=waiting" />
      <${Figure} label="under way" value=${outbox.flying + outbox.submitted} href="#/outbox?state=submitted" />
      <${Figure} label="parked" value=${outbox.parked} href="#/outbox" tone=${outbox.parked ? "warn" : undefined} />
      <${Figure} label="clients" value=${status.clients} href="#/network" />
      <${Figure} label="events in all" value=${status.accepted} />
    </dl>
    <section aria-labelledby="throughput">
      <h2 id="throughput">Throughput</h2>
      <p class="hint">Per second, over ${WINDOW_MS / 1000} s, since this page was opened. A message on the ledger carries many events.</p>
      ${accepted.length
        ? html`<${Chart} theme=${theme} series=${SERIES} data=${data} format=${(value) => Number(value.toPrecision(3)).toString()}
            label=${`Throughput: ${rate(accepted)} events accepted and ${rate(verified)} messages verified per second`} />`
        : html`<p class="notice">It begins with the second look, in a few seconds.</p>`}
    </section>`;
}
