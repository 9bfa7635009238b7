/** Channels' names, and the offsets and epochs that only a consensus position earns. */
import { type Bytes } from "./bytes";
export type ChannelName = `campaign:${string}` | `user:${string}`;
export declare function isChannel(name: string): name is ChannelName;
/** The campaign whose channel it is, or null. */
export declare function campaignOf(channel: ChannelName): string | null;
export declare function isUserId(id: string): boolean;
/** The place of event `index` of the frame whose last chunk has `sequence`. */
export declare function campaignOffset(sequence: number, index: number): number;
/** The sequence number of the last chunk of the frame at this offset. */
export declare function sequenceAt(offset: number): number;
/** Differs when a network was reset and the topic id is used again. */
export declare function channelEpoch(topicId: string, runningHashOfMessage1: Bytes): string;
