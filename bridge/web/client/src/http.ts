/** HTTP as this client asks: JSON, with a token where there is one; refusals typed by what happens next. */

import { Denied, Unavailable } from "./errors";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

export type Authorization = () => Promise<string | null>;

/** JSON of `url`. Throws Unavailable (no answer, 429, 5xx) or Denied. */
export async function fetchJson(url: string, signal: AbortSignal, authorization?: Authorization): Promise<unknown> {
  const token = (await authorization?.()) ?? null;
  const init: RequestInit = { signal, ...(authorization && { credentials: "include" as const }) };
  if (token !== null) init.headers = { Authorization: `Bearer ${token}` };
  let answer: Response;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    signal.throwIfAborted();
    throw new Unavailable(`${new URL(url).host} does not answer`);
  }
  if (answer.status === 429 || answer.status >= 500)
    throw new Unavailable(`${new URL(url).host} answers ${answer.status}`, retryAfterMs(answer));
  if (!answer.ok) throw new Denied(answer.status, `${new URL(url).host} answers ${answer.status}`);
  return answer.json().catch(() => {
    throw new Unavailable(`${new URL(url).host} answers with something other than JSON`);
  });
}

/** How long to wait before attempt `failures` + 1: doubling, never all at once, and as long as was asked for. */
export function backoffMs(failures: number, asked = 0): number {
  const grown = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, failures - 1));
  return Math.max(asked, grown * (0.5 + Math.random() / 2));
}

/** Throws the signal's reason where it comes first. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, ms);
    const stop = () => (clearTimeout(timer), reject(signal.reason));
    function done(): void {
      signal.removeEventListener("abort", stop);
      resolve();
    }
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** `attempt` until it succeeds; gives up where `signal` says so, or after `attempts`. Other errors come out at once. */
export async function patiently<T>(
  attempt: () => Promise<T>,
  signal: AbortSignal,
  { attempts = Infinity, failed = (_: Unavailable): void => {} } = {},
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Unavailable) || failures >= attempts) throw error;
      failed(error);
      await pause(backoffMs(failures, error.retryAfterMs), signal);
    }
  }
}

function retryAfterMs(answer: Response): number {
  const seconds = Number(answer.headers.get("Retry-After"));
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}
