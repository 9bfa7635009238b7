/** What is kept between visits: places in channels, and this device's key pair. */
/** A place for small texts. `localStorage` is one; the default where there is one. */
export interface Storage {
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
}
/** Keeps nothing beyond this page. */
export declare class MemoryStorage implements Storage {
    #private;
    getItem(key: string): string | null;
    setItem(key: string, value: string): void;
}
export declare function defaultStorage(): Storage;
/** What was kept under `key`, or null; what can't be read any more counts as nothing. */
export declare function kept<T>(storage: Storage, key: string): T | null;
/** Keep it, as far as there is room: a place that isn't kept costs reading again, never an event. */
export declare function keep(storage: Storage, key: string, value: unknown): void;
/** This device's X25519 key pair: made once, its private half never readable, not even here. */
export declare function deviceKeys(): Promise<CryptoKeyPair>;
