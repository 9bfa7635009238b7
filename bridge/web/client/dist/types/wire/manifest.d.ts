/** The manifest: the first message of a topic, signed, which says what the topic is and who may be believed in it. */
import { type Bytes } from "./bytes";
import { type Encrypt0 } from "./cose";
import { type Epoch } from "./epochs";
import { type TopicContext } from "./frame";
/** A manifest whose signature is that of the key it names, which is the pinned one where there was a pin. */
export interface Manifest {
    readonly context: TopicContext;
    readonly ref: Bytes;
    readonly signed: boolean;
    readonly publicKey: Bytes;
    readonly kid: string;
    readonly wrapped: Bytes | null;
    readonly private: Encrypt0;
}
export interface Belongs {
    readonly campaignId: string;
    readonly ownerId: string | null;
}
/** Throws Refused: not a manifest, of another version or topic, or signed by another key than the pinned. */
export declare function parseManifest(message: Bytes, context: TopicContext, pin: Bytes | null): Promise<Manifest>;
/** Whose topic it is, which only a holder of the first epoch's key reads. Throws Refused. */
export declare function belongs(manifest: Manifest, first: Epoch): Promise<Belongs>;
