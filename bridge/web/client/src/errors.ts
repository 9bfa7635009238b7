/** Errors, typed by what happens next. */

/** The bytes are not one item of the format's CBOR, or the value can't be one. */
export class CborInvalid extends Error {}

/** A message that gives nothing: foreign, changed, or made for another place. It is skipped and counted. */
export class Refused extends Error {}

/** The key of this epoch isn't held here. */
export class KeyMissing extends Refused {
  constructor(readonly kid: string) {
    super(`no key is held for epoch ${kid}`);
  }
}

/** What was shown contradicts itself, an anchor, or another mirror: nothing behind `sequence` can be believed. */
export class Broken extends Error {
  constructor(readonly sequence: number, readonly reason: string) {
    super(`message ${sequence}: ${reason}`);
  }
}

/** Can't be had just now; worth another try, not before `retryAfterMs` where the other side said so. */
export class Unavailable extends Error {
  constructor(message: string, readonly retryAfterMs = 0) {
    super(message);
  }
}

/** The other side answered, and said no. */
export class Denied extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}
