// Thousands of campaigns, a page at a time.
import { useState } from "../../vendor/preact-hooks.js";
import { usePoll, withQuery } from "../api.js";
import { Badge, html, Table, usePages, useSettled, Waiting } from "../parts.js";
import { duration, hbar, number, usd } from "../text.js";

const TONES = { ready: "good", intended: "warn", created: "warn", closing: "warn" };

export const Status = ({ campaign }) => html`
  <${Badge} tone=${TONES[campaign.status]}>${campaign.status}</${Badge}>
  ${campaign.relay === "sealed" && html` <${Badge}>sealed</${Badge}>`}`;

export const Verified = ({ campaign }) => {
  if (campaign.halted) return html`<${Badge} tone="bad">halted</${Badge}> <span class="reason">${campaign.halted}</span>`;
  if (!campaign.sequence) return html`<span class="muted">nothing yet</span>`;
  return html`<${Badge} tone="good">verified</${Badge}>${campaign.skipped ? html` <span class="reason">${number(campaign.skipped)} skipped</span>` : ""}`;
};

/** How long the oldest event has been under way, and how many messages consensus has that aren't read yet. */
export const Lag = ({ campaign }) => {
  const parts = [];
  if (campaign.openSince) parts.push(duration(Math.max(0, Date.now() - Date.parse(campaign.openSince))));
  if (campaign.behind) parts.push(`${number(campaign.behind)} to read`);
  return html`${parts.join(", ") || html`<span class="muted">none</span>`}
    ${campaign.stopped && html` <span class="reason">${campaign.stopped}</span>`}`;
};

export const Cost = ({ cost }) => html`<span title=${usd(cost.usd)}>${hbar(cost.tinybar)}</span>`;

const COLUMNS = [
  ["Campaign", (row) => html`<a href="#/campaigns/${encodeURIComponent(row.id)}">${row.id}</a>`, "name"],
  ["Status", (row) => html`<${Status} campaign=${row} />`],
  ["Topic", (row) => html`<code>${row.topicId ?? "–"}</code>`],
  ["Messages", (row) => number(row.sequence), "number"],
  ["Events", (row) => number(row.cost.events), "number"],
  ["Lag", (row) => html`<${Lag} campaign=${row} />`],
  ["Chain", (row) => html`<${Verified} campaign=${row} />`],
  ["Parked", (row) => (row.outbox.parked ? html`<a href="#/outbox?campaign=${encodeURIComponent(row.id)}">${number(row.outbox.parked)}</a>` : "0"), "number"],
  ["Cost", (row) => html`<${Cost} cost=${row.cost} />`, "number"],
];

export function Campaigns({ query }) {
  const [typed, setTyped] = useState("");
  const [halted, setHalted] = useState(query.get("halted") === "true");
  const search = useSettled(typed.trim());
  const [after, pages] = usePages(`${search} ${halted}`);
  const poll = usePoll(withQuery("/v1/campaigns", { q: search, halted, after, limit: 50 }), 5000);
  return html`
    <h1>Campaigns</h1>
    <form class="filters" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>Search <input type="search" maxlength="80" placeholder="id or topic" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} /></label>
      <label class="check"><input type="checkbox" checked=${halted} onChange=${(event) => setHalted(event.currentTarget.checked)} /> halted only</label>
    </form>
    <${Waiting} ...${poll} />
    ${poll.data && (poll.data.campaigns.length
      ? html`<${Table} caption="Campaigns by id" columns=${COLUMNS} rows=${poll.data.campaigns} rowKey=${(row) => row.id} />`
      : html`<p class="notice">${search || halted ? "No campaign is like that." : "There is no campaign yet."}</p>`)}
    ${poll.data && pages(poll.data.next)}`;
}
