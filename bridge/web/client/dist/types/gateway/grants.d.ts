/** The keys that this device was granted: asked for at the gateway, unwrapped here, and not readable afterwards. */
import { type Authorization } from "../http";
import { type Bytes } from "../wire/bytes";
import { type Epoch, type KeyLookup } from "../wire/epochs";
/** What a wrapped key is for; bound into it, so that it opens for nothing else. */
export interface Purpose {
    readonly name: "grant" | "recovery";
    readonly network: string;
    readonly owner: string;
}
/** The public half of this device's key pair, as `GET /v1/campaigns/{id}/keys` takes it: what it answers opens here alone. */
export declare function devicePublicKey(): Promise<string>;
/** The key. Throws Refused: for another person, purpose, network, owner or kid. */
export declare function unwrap(pair: CryptoKeyPair, wrapped: Bytes, purpose: Purpose, kid: Bytes): Promise<Bytes>;
/**
 * The keys of one campaign. What isn't held is asked after, once for all the messages that were there by then: a later
 * one may be under a key that is newer.
 */
export declare class Grants implements KeyLookup {
    #private;
    private readonly api;
    private readonly campaignId;
    private readonly device;
    private readonly authorization;
    private readonly signal;
    constructor(api: string, campaignId: string, device: () => Promise<CryptoKeyPair>, authorization: Authorization, signal: AbortSignal);
    /** The network that the keys are for; null where none were granted. */
    network(): Promise<string | null>;
    epoch(kid: string): Promise<Epoch | undefined>;
    user(kid: string): Promise<Epoch | undefined>;
    /** Messages came that may need keys which were not there before. */
    readonly newMessages: () => void;
}
