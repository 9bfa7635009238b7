/** Key epochs: a key, the id that it is known by on the ledger, and how a reader finds it. */
import { type Bytes } from "./bytes";
/** A key in force from one frame on. Its bytes stay with the browser's cryptography and can't be read back. */
export interface Epoch {
    /** Hexadecimal. */
    readonly kid: string;
    readonly seal: CryptoKey;
    readonly mark: CryptoKey;
}
/** What a reader holds. A campaign's key never opens a user's event, nor the other way round: two name spaces. */
export interface KeyLookup {
    epoch(kid: string): Promise<Epoch | undefined>;
    user(kid: string): Promise<Epoch | undefined>;
}
/** Throws TypeError unless it is 32 bytes. */
export declare function epochOf(key: Bytes): Promise<Epoch>;
export declare function kidOf(key: Bytes): Promise<Bytes>;
/** Whether `ref` is how the holder of a topic's first epoch recognises the campaign's topic. */
export declare function isRefOf(ref: Bytes, first: Epoch, campaignId: string): Promise<boolean>;
/** Keys held in memory. */
export declare class KeyTable implements KeyLookup {
    #private;
    /** `owner` is the name of the channel whose key it is: `campaign:<id>` or `user:<id>`. */
    add(owner: string, epoch: Epoch): void;
    epoch(kid: string): Promise<Epoch | undefined>;
    user(kid: string): Promise<Epoch | undefined>;
}
