// Numbers and times as people read them.
const whole = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
});
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

export const number = (value) => whole.format(value);
export const plural = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** 12:04:31.250 if it is of today, else 3 Mar 2026, 12:04:31.250. */
export function time(ms) {
  const date = new Date(ms);
  const text = clock.format(date);
  return date.toDateString() === new Date().toDateString() ? text : `${day.format(date)}, ${text}`;
}

/** A consensus timestamp, seconds and nanoseconds with a point between, in milliseconds. */
export const consensusMs = (timestamp) => Number(timestamp) * 1000;

/** 740 ms, 3.2 s, 4 min, 5 h, 2 days. */
export function duration(ms) {
  const s = ms / 1000;
  if (s < 1) return `${Math.round(ms)} ms`;
  if (s < 60) return `${s.toFixed(1)} s`;
  if (s < 3600) return `${Math.round(s / 60)} min`;
  return s < 86_400 ? `${Math.round(s / 3600)} h` : plural(Math.round(s / 86_400), "day");
}

/** Tinybar, as the API's decimal string, in HBAR. */
export const hbarOf = (tinybar) => Number(tinybar) / 1e8;
export const hbar = (tinybar) => `${hbarOf(tinybar).toLocaleString("en", { maximumSignificantDigits: 4 })} ℏ`;
export const usd = (dollars) => `$${Number(dollars).toLocaleString("en", { maximumSignificantDigits: 3 })}`;
