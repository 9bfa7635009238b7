/** What an application holds of a channel, whichever way its events come. */

import type { BridgeEvent } from "./event";
import type { ChannelName } from "./wire/channels";

/**
 * `connecting`: nothing comes just now, and will be caught up with. `live`. `gap`: what lies between the place that was
 * asked for and the top can't be had any more: load the state anew; it goes on. `broken`: what is shown of the ledger
 * contradicts itself, and nothing of it is believed; it is looked at again. `closed`: for good.
 */
export type SubscriptionState = "connecting" | "live" | "gap" | "broken" | "closed";

/** Where to begin: behind the place that was kept (else at the top), at the top, at the first event, or here. */
export type Since = "kept" | "now" | "start" | { readonly offset: number; readonly epoch: string };

export interface SubscribeOptions {
  /** `kept` unless given. */
  readonly since?: Since;
  readonly onEvent?: (event: BridgeEvent) => void;
  readonly onState?: (state: SubscriptionState, reason: string) => void;
  /** With `source: "mirror"`: the campaign's topic. */
  readonly topic?: string;
}

export interface Subscription {
  readonly channel: ChannelName;
  readonly state: SubscriptionState;
  close(): void;
}

/** Tells an application; what its own code throws is its own, and stops nothing here. */
export class Teller {
  #state: SubscriptionState = "connecting";

  constructor(private readonly options: SubscribeOptions, private readonly all: (event: BridgeEvent) => void) {}

  get state(): SubscriptionState {
    return this.#state;
  }

  event(event: BridgeEvent): void {
    guarded(() => this.options.onEvent?.(event));
    guarded(() => this.all(event));
  }

  become(state: SubscriptionState, reason = ""): void {
    if (this.#state === "closed" || (this.#state === state && reason === "")) return;
    this.#state = state;
    guarded(() => this.options.onState?.(state, reason));
  }
}

export function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    console.error(error);
  }
}
