// The door as the console sees it: one call, and one hook that keeps asking politely.
import { useCallback, useEffect, useRef, useState } from "../vendor/preact-hooks.js";

const KEPT_AS = "hcs-bridge console key";
const MAX_PAUSE_MS = 60_000;

// Of this tab alone, and gone with it: never in a URL, a cookie or localStorage.
export const apiKey = {
  get: () => sessionStorage.getItem(KEPT_AS),
  set: (key) => sessionStorage.setItem(KEPT_AS, key),
  clear: () => sessionStorage.removeItem(KEPT_AS),
};

/** Why the door said no; status 0: it didn't answer. */
export class Refused extends Error {
  constructor(status, message, retryAfterS = 0) {
    super(message);
    Object.assign(this, { status, retryAfterS });
  }
}

/** The answer to a GET, or with a body to a POST. Throws Refused. */
export async function call(path, { body, key = apiKey.get(), signal } = {}) {
  let response, answer;
  try {
    response = await fetch(path, {
      method: body ? "POST" : "GET",
      headers: { Authorization: `Bearer ${key}` },
      body: body && JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      signal,
    });
    answer = await response.json();
  } catch (error) {
    throw signal?.aborted ? error : new Refused(0, "The bridge doesn’t answer.");
  }
  if (response.ok) return answer;
  throw new Refused(response.status, answer.error.message, Number(response.headers.get("Retry-After")));
}

/** A path with the parameters that have a value. */
export function withQuery(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== "" && value != null && value !== false);
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

/**
 * What `path` answers, asked again `everyMs` after each answer: less often while it fails, and never while the page is
 * hidden. `{ data, error, again }`; `data` stays what it was when asking again fails, and is undefined for a new path.
 */
export function usePoll(path, everyMs) {
  const [state, setState] = useState({ path });
  const ask = useRef(() => {});
  useEffect(() => {
    const stop = new AbortController();
    let timer, failures = 0, asking = false;
    const look = async () => {
      clearTimeout(timer);
      if (asking || document.hidden) return;
      asking = true;
      let pauseMs = everyMs;
      try {
        const data = await call(path, { signal: stop.signal });
        failures = 0;
        setState({ path, data });
      } catch (error) {
        if (stop.signal.aborted) return;
        failures += 1;
        pauseMs = Math.max(Math.min(everyMs * 2 ** failures, MAX_PAUSE_MS), error.retryAfterS * 1000);
        setState((before) => ({ path, data: before.path === path ? before.data : undefined, error }));
      }
      asking = false;
      timer = setTimeout(look, pauseMs);
    };
    ask.current = look;
    document.addEventListener("visibilitychange", look);
    look();
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [path, everyMs]);
  const again = useCallback(() => ask.current(), []);
  return state.path === path ? { ...state, again } : { again };
}
