/** Bytes, and the texts that stand for them. */
export type Bytes = Uint8Array<ArrayBuffer>;
export declare function utf8(text: string): Bytes;
export declare function concat(...parts: Uint8Array[]): Bytes;
export declare function equal(one: Uint8Array, other: Uint8Array): boolean;
export declare function hex(bytes: Uint8Array): string;
/** Throws TypeError for anything but pairs of hexadecimal digits. */
export declare function unhex(text: string): Bytes;
export declare function base64(bytes: Uint8Array): string;
/** Throws TypeError unless the text is the one base64 of some bytes. */
export declare function unbase64(text: string): Bytes;
export declare function base64url(bytes: Uint8Array): string;
