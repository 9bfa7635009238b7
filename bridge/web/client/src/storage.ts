/** What is kept between visits: places in channels, and this device's key pair. */

/** A place for small texts. `localStorage` is one; the default where there is one. */
export interface Storage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** Keeps nothing beyond this page. */
export class MemoryStorage implements Storage {
  #values = new Map<string, string>();

  getItem(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#values.set(key, value);
  }
}

export function defaultStorage(): Storage {
  try {
    return globalThis.localStorage ?? new MemoryStorage();
  } catch {
    return new MemoryStorage(); // a page that may not keep anything
  }
}

/** What was kept under `key`, or null; what can't be read any more counts as nothing. */
export function kept<T>(storage: Storage, key: string): T | null {
  try {
    return JSON.parse(storage.getItem(key) ?? "null") as T | null;
  } catch {
    return null;
  }
}

/** Keep it, as far as there is room: a place that isn't kept costs reading again, never an event. */
export function keep(storage: Storage, key: string, value: unknown): void {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // full, or forbidden
  }
}

const DATABASE = "hcs-bridge";
const STORE = "keys";
const NAME = "device";

/** This device's X25519 key pair: made once, its private half never readable, not even here. */
export async function deviceKeys(): Promise<CryptoKeyPair> {
  const made = () => crypto.subtle.generateKey("X25519", false, ["deriveBits"]) as Promise<CryptoKeyPair>;
  if (typeof indexedDB === "undefined") return made();
  try {
    const database = await openDatabase();
    const pair = await made(); // before the transaction, which doesn't wait
    const keys = database.transaction(STORE, "readwrite").objectStore(STORE);
    const known = (await done(keys.get(NAME))) as CryptoKeyPair | undefined;
    if (known === undefined) await done(keys.put(pair, NAME));
    database.close();
    return known ?? pair;
  } catch {
    return made(); // a browser that keeps nothing
  }
}

function openDatabase(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return done(opening);
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
