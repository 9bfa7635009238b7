/** HTTP as this client asks: JSON, with a token where there is one; refusals typed by what happens next. */
import { Unavailable } from "./errors";
export type Authorization = () => Promise<string | null>;
/** JSON of `url`. Throws Unavailable (no answer, 429, 5xx) or Denied. */
export declare function fetchJson(url: string, signal: AbortSignal, authorization?: Authorization): Promise<unknown>;
/** How long to wait before attempt `failures` + 1: doubling, never all at once, and as long as was asked for. */
export declare function backoffMs(failures: number, asked?: number): number;
/** Throws the signal's reason where it comes first. */
export declare function pause(ms: number, signal: AbortSignal): Promise<void>;
/** `attempt` until it succeeds; gives up where `signal` says so, or after `attempts`. Other errors come out at once. */
export declare function patiently<T>(attempt: () => Promise<T>, signal: AbortSignal, { attempts, failed }?: {
    attempts?: number | undefined;
    failed?: ((_: Unavailable) => void) | undefined;
}): Promise<T>;
