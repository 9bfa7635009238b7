// What it costs, against what it may.
import { useMemo } from "../../vendor/preact-hooks.js";
import { usePoll } from "../api.js";
import { Chart } from "../chart.js";
import { Figure, html, Table, Waiting } from "../parts.js";
import { hbar, hbarOf, number, usd } from "../text.js";

const secondsOf = (day) => Date.parse(`${day}T00:00:00Z`) / 1000;
/** Every day from the first to the last: on one that isn't there nothing was spent. */
function withoutGaps(days) {
  const known = new Map(days.map((day) => [secondsOf(day.name), day])), found = [];
  const [first, last] = [Math.min(...known.keys()), Math.max(...known.keys())];
  for (let s = first; s <= last; s += 86_400) found.push([s, known.get(s) ?? { tinybar: "0", events: 0, transactions: 0 }]);
  return found;
}

const short = (value) => Number(value.toPrecision(3)).toLocaleString("en");

const Budget = ({ label, spent, reserved, limit }) => {
  const part = limit && (Number(spent) + Number(reserved)) / Number(limit);
  const tone = part >= 1 ? "bad" : part >= 0.8 ? "warn" : "good";
  return html`${limit
    ? html`<div class="budget" data-tone=${tone}><progress max="1" value=${Math.min(part, 1)} aria-label=${label}></progress> <span>${Math.round(part * 100)} % of ${hbar(limit)}</span></div>`
    : html`<span class="muted">no limit</span>`}`;
};

const AMOUNTS = [
  ["Spent", (row) => hbar(row.tinybar), "number"],
  ["USD", (row) => usd(row.usd), "number"],
  ["Reserved", (row) => hbar(row.reservedTinybar), "number"],
  ["Events", (row) => number(row.events), "number"],
  ["Transactions", (row) => number(row.transactions), "number"],
];
const KEYS = [
  ["API key", (row) => row.name || html`<span class="muted">none: the command line</span>`, "name"],
  ...AMOUNTS,
  ["Budget", (row) => html`<${Budget} label=${`Budget of ${row.name}`} spent=${row.tinybar} reserved=${row.reservedTinybar} limit=${row.budgetTinybar} />`, "wide"],
];
const DAYS = [["Day (UTC)", (row) => row.name, "name"], ...AMOUNTS];

export function Spend({ theme }) {
  const poll = usePoll("/v1/costs", 15_000);
  const { data } = poll;
  const [money, events] = useMemo(() => {
    const dated = withoutGaps(data?.days ?? []), times = dated.map(([s]) => s), days = dated.map(([, day]) => day);
    const limit = data?.budgets.dayTinybar;
    const spent = [times, days.map((day) => hbarOf(day.tinybar))];
    return [limit ? [...spent, days.map(() => hbarOf(limit))] : spent, [times, days.map((day) => day.events), days.map((day) => day.transactions)]];
  }, [data]);
  if (!data) return html`<h1>Spend</h1><${Waiting} ...${poll} />`;
  const today = data.days.findLast((day) => day.name === new Date().toISOString().slice(0, 10)) ?? { tinybar: "0", usd: "0", reservedTinybar: "0", events: 0, transactions: 0 };
  const { dayTinybar, campaignTinybar } = data.budgets;
  const spent = { label: "HBAR spent", color: "--accent", bars: true };
  return html`
    <h1>Spend</h1>
    <${Waiting} ...${poll} />
    <dl class="figures">
      <${Figure} label="spent today (UTC)" value=${hbar(today.tinybar)} />
      <${Figure} label="in US dollars" value=${usd(today.usd)} />
      <${Figure} label="reserved" value=${hbar(today.reservedTinybar)} />
      <${Figure} label="events paid today" value=${today.events} />
    </dl>
    <p class="limits"><b>Today’s budget</b> <${Budget} label="Today’s budget" spent=${today.tinybar} reserved=${today.reservedTinybar} limit=${dayTinybar} />
      <b>Budget of each campaign</b> <span>${campaignTinybar ? hbar(campaignTinybar) : html`<span class="muted">no limit</span>`}</span></p>
    <section aria-labelledby="by-day"><h2 id="by-day">HBAR by day</h2>
      <${Chart} days theme=${theme} data=${money} format=${short} label=${`Spend on each of ${data.days.length} days; today ${hbar(today.tinybar)}`}
        series=${dayTinybar ? [spent, { label: "the day’s budget", color: "--bad", dash: [6, 4] }] : [spent]} />
    </section>
    <section aria-labelledby="events-by-day"><h2 id="events-by-day">Events and transactions by day</h2>
      <${Chart} days theme=${theme} data=${events} format=${short} label=${`Events and transactions on each of ${data.days.length} days; today ${number(today.events)} and ${number(today.transactions)}`}
        series=${[{ label: "events", color: "--accent", bars: true }, { label: "transactions", color: "--good" }]} />
    </section>
    <section aria-labelledby="by-key"><h2 id="by-key">By API key</h2>
      <${Table} caption="Spend by API key" columns=${KEYS} rows=${data.keys} rowKey=${(row) => row.name} />
    </section>
    <details><summary>The days in numbers</summary>
      <${Table} caption="Spend by day" columns=${DAYS} rows=${[...data.days].reverse()} rowKey=${(row) => row.name} />
    </details>`;
}
