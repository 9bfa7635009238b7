/** The running hash of a topic, version 3: over what a Java ObjectOutputStream of the consensus node wrote. */
import { type Bytes } from "./bytes";
import type { TopicMessage } from "./messages";
export declare const RUNNING_HASH_VERSION = 3;
export declare const HASH_BYTES = 48;
/** The 48 bytes behind `message`, given the 48 bytes before it and SHA-384 of its content. */
export declare function nextRunningHash(previous: Bytes, message: TopicMessage, contentHash: Bytes): Promise<Bytes>;
export declare function sha384(bytes: Bytes): Promise<Bytes>;
