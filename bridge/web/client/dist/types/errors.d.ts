/** Errors, typed by what happens next. */
/** The bytes are not one item of the format's CBOR, or the value can't be one. */
export declare class CborInvalid extends Error {
}
/** A message that gives nothing: foreign, changed, or made for another place. It is skipped and counted. */
export declare class Refused extends Error {
}
/** The key of this epoch isn't held here. */
export declare class KeyMissing extends Refused {
    readonly kid: string;
    constructor(kid: string);
}
/** What was shown contradicts itself, an anchor, or another mirror: nothing behind `sequence` can be believed. */
export declare class Broken extends Error {
    readonly sequence: number;
    readonly reason: string;
    constructor(sequence: number, reason: string);
}
/** Can't be had just now; worth another try, not before `retryAfterMs` where the other side said so. */
export declare class Unavailable extends Error {
    readonly retryAfterMs: number;
    constructor(message: string, retryAfterMs?: number);
}
/** The other side answered, and said no. */
export declare class Denied extends Error {
    readonly status: number;
    constructor(status: number, message: string);
}
