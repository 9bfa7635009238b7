/** Channels' names, and the offsets and epochs that only a consensus position earns. */

import { hex, type Bytes } from "./bytes";

const EVENTS_PER_FRAME = 1000;
const ID = /^[A-Za-z0-9.~-][A-Za-z0-9_.~-]*$/;

export type ChannelName = `campaign:${string}` | `user:${string}`;

export function isChannel(name: string): name is ChannelName {
  return name.startsWith("campaign:") || name.startsWith("user:");
}

/** The campaign whose channel it is, or null. */
export function campaignOf(channel: ChannelName): string | null {
  return channel.startsWith("campaign:") ? channel.slice("campaign:".length) : null;
}

export function isUserId(id: string): boolean {
  return id.length <= 255 && ID.test(id);
}

/** The place of event `index` of the frame whose last chunk has `sequence`. */
export function campaignOffset(sequence: number, index: number): number {
  return sequence * EVENTS_PER_FRAME + index;
}

/** The sequence number of the last chunk of the frame at this offset. */
export function sequenceAt(offset: number): number {
  return Math.floor(offset / EVENTS_PER_FRAME);
}

/** Differs when a network was reset and the topic id is used again. */
export function channelEpoch(topicId: string, runningHashOfMessage1: Bytes): string {
  return `${topicId}-${hex(runningHashOfMessage1.slice(0, 6))}`;
}
