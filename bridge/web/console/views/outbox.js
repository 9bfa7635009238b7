// What is still here, why, and what an operator does about it.
import { useState } from "../../vendor/preact-hooks.js";
import { call, usePoll, withQuery } from "../api.js";
import { Choice, html, Table, Time, usePages, useSettled, Waiting } from "../parts.js";
import { number, plural } from "../text.js";

const STATES = ["parked", "waiting", "flying", "submitted", "dropped"];

export function Outbox({ status, query }) {
  const given = query.get("state");
  const [state, setState] = useState(STATES.includes(given) ? given : "parked");
  const [typed, setTyped] = useState(query.get("campaign") ?? "");
  const [told, tell] = useState(null);
  const [busy, setBusy] = useState(false);
  const campaign = useSettled(typed.trim());
  const [after, pages] = usePages(`${state} ${campaign}`);
  const poll = usePoll(withQuery("/v1/outbox/entries", { state, campaign, after, limit: 50 }), 4000);
  const mayRetry = state === "parked" && status?.scopes.includes("outbox:write");

  const retry = async (body) => {
    setBusy(true);
    try {
      const { retried } = await call("/v1/outbox/retry", { body });
      tell(["good", `${plural(retried, "event")} in line again.`]);
    } catch (error) {
      tell(["bad", error.message]);
    }
    setBusy(false);
    poll.again();
  };
  const label = (name) => `${name}${status && name in status.outbox ? ` ${number(status.outbox[name])}` : ""}`;
  const columns = [
    ["Campaign", (row) => html`<a href="#/campaigns/${encodeURIComponent(row.campaignId)}">${row.campaignId}</a>`, "name"],
    ["Accepted", (row) => html`<${Time} ms=${Date.parse(row.acceptedAt)} />`, "wide"],
    ["Event", (row) => html`${row.kind}${row.to === "user" ? " to a user" : ""}<br /><code class="id">${row.id}</code>`, "wide"],
    ["Why it is here", (row) => html`<span class="reason">${row.reason ?? "–"}</span>`, "wide"],
    mayRetry && ["Do", (row) => html`<button disabled=${busy} aria-label=${`Retry ${row.id}`} onClick=${() => retry({ ids: [row.id] })}>Retry</button>`],
  ].filter(Boolean);
  const rows = poll.data?.entries ?? [];
  return html`
    <h1>Outbox</h1>
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <${Choice} legend="State" name="state" options=${STATES.map((name) => [name, label(name)])} value=${state} onChange=${setState} />
      <label>Campaign <input type="search" maxlength="80" placeholder="its whole id" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} /></label>
      ${mayRetry && campaign && rows.length > 0 && html`
        <button class="primary" disabled=${busy} onClick=${() => retry({ campaignId: campaign })}>Retry all of ${campaign}</button>`}
    </form>
    <div role="status">${told && html`<p class="notice" data-tone=${told[0]}>${told[1]}</p>`}</div>
    ${state === "parked" && status && !mayRetry && html`<p class="hint">To retry, the key needs the scope <code>outbox:write</code>.</p>`}
    <${Waiting} ...${poll} />
    ${poll.data && (rows.length
      ? html`<${Table} caption="Events that are ${state}" columns=${columns} rows=${rows} rowKey=${(row) => row.id} />`
      : html`<p class="notice">Nothing is ${state}${campaign ? ` of ${campaign}` : ""}.</p>`)}
    ${poll.data && pages(poll.data.next)}`;
}
