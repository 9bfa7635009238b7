/** The manifest: the first message of a topic, signed, which says what the topic is and who may be believed in it. */

import { CborInvalid, Refused } from "../errors";
import { equal, hex, type Bytes } from "./bytes";
import { decode, encode, type CborMap, type Item } from "./cbor";
import { KID_BYTES, parseEncrypt0, parseSign1, unseal, verify, type Encrypt0 } from "./cose";
import { isRefOf, type Epoch } from "./epochs";
import { exactly, sized, text } from "./fields";
import { FORMAT, topicAad, type TopicContext } from "./frame";

const VERSION = 1;
const LABELS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

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
export async function parseManifest(message: Bytes, context: TopicContext, pin: Bytes | null): Promise<Manifest> {
  try {
    const signed = parseSign1(decode(message));
    const manifest = read(decode(signed.payload), context);
    if (pin !== null && !equal(pin, manifest.publicKey))
      throw new Refused("the manifest names another key than the pinned one");
    await verify(signed, manifest.publicKey, topicAad(context));
    return manifest;
  } catch (error) {
    throw error instanceof CborInvalid ? new Refused(`not a manifest: ${error.message}`, { cause: error }) : error;
  }
}

/** Whose topic it is, which only a holder of the first epoch's key reads. Throws Refused. */
export async function belongs(manifest: Manifest, first: Epoch): Promise<Belongs> {
  if (first.kid !== manifest.kid) throw new Refused("the key is not that of the topic's first epoch");
  const { network, topicId } = manifest.context;
  const plaintext = await unseal(manifest.private, first.seal, encode([FORMAT, network, topicId, "manifest"]));
  try {
    const content = exactly(decode(plaintext), [1, 2], "the manifest's sealed part");
    const campaignId = text(content.get(1), "the manifest's campaign");
    const owner = content.get(2) ?? null;
    const ownerId = owner === null ? null : text(owner, "the manifest's owner");
    if (!(await isRefOf(manifest.ref, first, campaignId)))
      throw new Refused("the manifest's ref is not that of its campaign");
    return { campaignId, ownerId };
  } catch (error) {
    throw error instanceof CborInvalid ? new Refused(error.message, { cause: error }) : error;
  }
}

function read(payload: Item, context: TopicContext): Manifest {
  if (payload instanceof Map && typeof payload.get(1) === "number" && payload.get(1) !== VERSION)
    throw new Refused(`a manifest of version ${payload.get(1)}; this reader knows ${VERSION}`);
  const fields: CborMap = exactly(payload, LABELS, "the manifest");
  const [version, network, topicId, ref, signed, publicKey, kid, wrapped, sealed] = LABELS.map((label) =>
    fields.get(label),
  );
  if (version !== VERSION || typeof signed !== "boolean") throw new Refused("a manifest with other types");
  if (network !== context.network || topicId !== context.topicId) throw new Refused("a manifest of another topic");
  if (wrapped !== null && !(wrapped instanceof Uint8Array))
    throw new Refused("the manifest's wrapped key is not bytes");
  const inner = parseEncrypt0(sealed!);
  const first = sized(kid, KID_BYTES, "the manifest's kid");
  if (!equal(inner.kid, first)) throw new Refused("the sealed part is under another key than the first epoch's");
  return {
    context,
    ref: sized(ref, 16, "the manifest's ref"),
    signed,
    publicKey: sized(publicKey, 32, "the manifest's public key"),
    kid: hex(first),
    wrapped: wrapped as Bytes | null,
    private: inner,
  };
}
