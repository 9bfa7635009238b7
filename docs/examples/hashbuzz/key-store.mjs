// The signing keys of the backend's tokens, as HashBuzz keeps them: one Redis string, a JSON array, the newest first.

import { generateKeyPair, randomUUID } from "node:crypto";
import { promisify } from "node:util";

const NAME = "authKeyStore";
const ROTATE_MS = 24 * 3600_000;
const KEEP_MS = 48 * 3600_000;
const PKCS1 = { type: "pkcs1", format: "pem" };

/** The key that signs now: {kid, privateKey}. A new one where the newest is a day old; those of two days go. */
export async function signingKey(redis) {
  const keys = JSON.parse((await redis.get(NAME)) ?? "[]");
  const now = Date.now();
  if (keys.length > 0 && now - keys[0].createdAt < ROTATE_MS) return keys[0];
  const pair = await promisify(generateKeyPair)("rsa", {
    modulusLength: 2048, publicKeyEncoding: PKCS1, privateKeyEncoding: PKCS1,
  });
  const made = { kid: randomUUID(), ...pair, createdAt: now };
  const kept = keys.filter(({ createdAt }) => now - createdAt < KEEP_MS);
  await redis.set(NAME, JSON.stringify([made, ...kept]));
  return made;
}
