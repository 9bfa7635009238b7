// What is outside: mirrors, nodes, and the clients that are connected.
import { usePoll } from "../api.js";
import { Badge, Figure, html, Table, Waiting } from "../parts.js";
import { number, plural } from "../text.js";

const TONES = { up: "good", limited: "warn", down: "bad" };
const MIRRORS = [
  ["Mirror", (row) => html`<code>${row.name}</code>`, "name"],
  ["State", (row) => html`<${Badge} tone=${TONES[row.state]}>${row.state}</${Badge}>`],
  ["Asked now", (row) => (row.asked ? "yes" : "no")],
];
const NODES = [
  ["Node", (row) => html`<code>${row.account}</code>`, "name"],
  ["State", (row) => html`<${Badge} tone=${row.failures ? "bad" : "good"}>${row.failures ? `${plural(row.failures, "failure")} in a row` : "answers"}</${Badge}>`],
];
const CHANNELS = [
  ["Campaign", (row) => html`<a href="#/campaigns/${encodeURIComponent(row.campaignId)}">${row.campaignId}</a>`, "name"],
  ["Subscribers", (row) => number(row.subscribers), "number"],
];

export function Network({ status }) {
  const poll = usePoll("/v1/clients", 5000);
  return html`
    <h1>Network</h1>
    <p class="hint">Mirrors and nodes are as they were when the bridge asked them last.</p>
    ${status ? html`
      <div class="columns">
        <section aria-labelledby="mirrors"><h2 id="mirrors">Mirrors</h2>
          <${Table} caption="Mirrors" columns=${MIRRORS} rows=${status.mirrors} rowKey=${(row) => row.name} /></section>
        <section aria-labelledby="nodes"><h2 id="nodes">Consensus nodes</h2>
          ${status.nodes.length ? html`<${Table} caption="Consensus nodes" columns=${NODES} rows=${status.nodes} rowKey=${(row) => row.account} />` : html`<p class="notice">None was asked yet.</p>`}</section>
      </div>` : html`<${Waiting} />`}
    <section aria-labelledby="clients"><h2 id="clients">Connected clients</h2>
      <${Waiting} ...${poll} />
      ${poll.data && html`
        <dl class="figures">
          <${Figure} label="connections" value=${poll.data.clients} />
          <${Figure} label="users" value=${poll.data.users} />
          <${Figure} label="channels" value=${poll.data.channels} />
        </dl>
        ${poll.data.campaigns.length > 0 && html`<h3>Most followed campaigns</h3>
          <${Table} caption="Most followed campaigns" columns=${CHANNELS} rows=${poll.data.campaigns} rowKey=${(row) => row.campaignId} />`}`}
    </section>`;
}
