/** COSE_Encrypt0 with A256GCM and COSE_Sign1 with Ed25519 (RFC 9052, RFC 9053): tag required, exact labels only. */
import { type Bytes } from "./bytes";
import { type Item } from "./cbor";
export declare const SIGN1 = 18;
export declare const KID_BYTES = 8;
export declare const SIGNATURE_BYTES = 64;
/** A COSE_Encrypt0 taken apart. Nothing in it is authentic until `unseal` returned. */
export interface Encrypt0 {
    readonly protected: Bytes;
    readonly kid: Bytes;
    readonly producerSequence: bigint;
    readonly iv: Bytes;
    readonly ciphertext: Bytes;
}
/** A COSE_Sign1 taken apart; `verify` says whether the payload is anyone's. */
export interface Sign1 {
    readonly payload: Bytes;
    readonly signature: Bytes;
}
/** Throws Refused or CborInvalid unless tag, labels, types and lengths are exactly the format's. */
export declare function parseEncrypt0(item: Item, { withProducerSequence }?: {
    withProducerSequence?: boolean | undefined;
}): Encrypt0;
/** The plaintext. Throws Refused. */
export declare function unseal(sealed: Encrypt0, key: CryptoKey, externalAad: Bytes): Promise<Bytes>;
/** Throws Refused or CborInvalid. */
export declare function parseSign1(item: Item): Sign1;
/** Throws Refused unless the signature is this key's, and made for this place. */
export declare function verify(signed: Sign1, publicKey: Bytes, externalAad: Bytes): Promise<void>;
/** Whether a plain Ed25519 signature over `covered` is the key's. Throws Unavailable where it can't be told. */
export declare function verifyPlain(signature: Bytes, covered: Bytes, publicKey: Bytes): Promise<boolean>;
