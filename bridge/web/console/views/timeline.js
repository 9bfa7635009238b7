// One campaign: how it is, and the journey of each of its events.
import { usePoll, withQuery } from "../api.js";
import { Badge, html, Time, usePages, Waiting } from "../parts.js";
import { consensusMs, duration, number, plural, usd } from "../text.js";
import { Cost, Lag, Status, Verified } from "./campaigns.js";

const TONES = { confirmed: "good", parked: "bad", dropped: "bad" };

/** The steps of an event: name, when (ms), and what else is known. Of receipts and the relay no time is on record. */
function journey(event) {
  const ms = (iso) => (iso ? Date.parse(iso) : null);
  const acceptedMs = ms(event.acceptedAt);
  const agreedMs = event.consensusTimestamp ? consensusMs(event.consensusTimestamp) : null;
  return [
    { name: "accepted", ms: acceptedMs, reached: true },
    { name: "sealed", ms: ms(event.sealedAt), reached: event.sealedAt, also: event.frame ? `frame ${number(event.frame)}` : null },
    { name: "submitted", ms: null, reached: ["submitted", "confirmed"].includes(event.state), also: event.chunks ? plural(event.chunks, "chunk") : null },
    { name: "consensus", ms: agreedMs, reached: agreedMs, also: agreedMs && `after ${duration(Math.max(0, agreedMs - acceptedMs))}` },
    { name: "relayed", ms: null, reached: event.offset !== null || event.state === "confirmed", also: event.offset === null ? null : `offset ${number(event.offset)}` },
  ];
}

const Event = ({ event }) => html`
  <li class="event" data-state=${event.state}>
    <p class="what">
      <${Badge} tone=${TONES[event.state] ?? "warn"}>${event.state}</${Badge}>
      <span>${event.kind === "event" ? "event" : event.kind} ${event.to === "user" ? "to a user" : ""}</span>
      <code class="id">${event.id}</code>
      ${event.sequence && html`<span class="muted">message ${number(event.sequence)}${event.index ? `, no. ${number(event.index + 1)} in it` : ""}</span>`}
    </p>
    ${event.reason && html`<p class="reason">${event.reason}</p>`}
    <ol class="journey">${journey(event).map((step) => html`
      <li key=${step.name} data-reached=${Boolean(step.reached)}>
        <b>${step.name}</b>
        ${step.ms !== null && html`<${Time} ms=${step.ms} />`}
        ${step.reached && step.also && html`<small>${step.also}</small>`}
        ${step.reached ? null : html`<span>–</span>`}
      </li>`)}
    </ol>
  </li>`;

export function Timeline({ id }) {
  const [before, pages] = usePages(id);
  const poll = usePoll(withQuery(`/v1/campaigns/${encodeURIComponent(id)}/timeline`, { before, limit: 25 }), 3000);
  return html`
    <p class="up"><a href="#/campaigns">← Campaigns</a></p>
    <h1>${id}</h1>
    <${Waiting} ...${poll} />
    ${poll.data && html`<${Facts} campaign=${poll.data.campaign} />
      <h2>Timeline</h2>
      ${poll.data.events.length
        ? html`<ol class="timeline">${poll.data.events.map((event) => html`<${Event} key=${event.id} event=${event} />`)}</ol>`
        : html`<p class="notice">Nothing was accepted for it yet.</p>`}
      ${pages(poll.data.next)}`}`;
}

const Facts = ({ campaign }) => html`
  <dl class="facts">
    <div><dt>Status</dt><dd><${Status} campaign=${campaign} /></dd></div>
    <div><dt>Topic</dt><dd><code>${campaign.topicId ?? "none yet"}</code></dd></div>
    <div><dt>Last message</dt><dd>${number(campaign.sequence)}</dd></div>
    <div><dt>Chain</dt><dd><${Verified} campaign=${campaign} /></dd></div>
    <div><dt>Lag</dt><dd><${Lag} campaign=${campaign} /></dd></div>
    <div><dt>Open</dt><dd>${number(campaign.outbox.waiting)} waiting, ${number(campaign.outbox.flying + campaign.outbox.submitted)} under way${campaign.outbox.parked ? html`, <a href="#/outbox?campaign=${encodeURIComponent(campaign.id)}">${number(campaign.outbox.parked)} parked</a>` : ""}</dd></div>
    <div><dt>Cost</dt><dd><${Cost} cost=${campaign.cost} /> <span class="muted">${usd(campaign.cost.usd)}, ${plural(campaign.cost.transactions, "transaction")}, ${plural(campaign.cost.events, "event")}</span></dd></div>
  </dl>`;
