/** Events of hcs-bridge in the browser: subscribed, recovered, opened, and checked against the ledger. */

export { BridgeClient } from "./client";
export type { EventCallback, GatewayOptions, GivenKey, GrantedKey, MirrorOptions } from "./client";
export type { BridgeEvent, EventData, EventState, Verdict } from "./event";
export { devicePublicKey } from "./gateway/grants";
export type { Connection } from "./gateway/link";
export { Broken, Denied, Refused, Unavailable } from "./errors";
export { TopicReader, START, type Place, type Placed, type Progress, type TopicRules } from "./proof/reader";
export { comparedMessages, mirrorMessages, type RawMessages } from "./proof/raw";
export { MemoryStorage, type Storage } from "./storage";
export type { Since, SubscribeOptions, Subscription, SubscriptionState } from "./subscription";
export type { TokenSource } from "./tokens";
export type { ChannelName } from "./wire/channels";
export { epochOf, KeyTable, type Epoch, type KeyLookup } from "./wire/epochs";
export type { LedgerEvent } from "./wire/events";
export { parseMessages, type TopicMessage } from "./wire/messages";
