// A backend as HashBuzz's: it keeps campaigns in PostgreSQL, keys in Redis, the session in a cookie, and knows of no bridge.
// Its environment: DATABASE_URL, REDIS_URL, PORT.

import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";
import { createClient } from "redis";
import { signingKey } from "./key-store.mjs";

const ACCESS_S = 120;
const REFRESH_S = 7 * 24 * 3600;
const ISSUER = { issuer: "hashbuzz.social", audience: "hashbuzz-frontend" };

const { DATABASE_URL, REDIS_URL, PORT = "4000" } = process.env;
const database = new pg.Pool({ connectionString: DATABASE_URL });
const redis = await createClient({ url: REDIS_URL }).connect();
const page = await build({
  entryPoints: [fileURLToPath(new URL("page/main.jsx", import.meta.url))],
  bundle: true, minify: true, write: false, jsx: "automatic", define: { "process.env.NODE_ENV": '"production"' },
});

const app = express();
app.use(express.json());
app.get("/", (_request, response) => response.sendFile(fileURLToPath(new URL("page/index.html", import.meta.url))));
app.get("/main.js", (_request, response) => response.type("js").send(page.outputFiles[0].text));

// HashBuzz takes a wallet's signature here; the example takes anybody's word.
app.post("/auth/login", async (request, response) => {
  const id = String(BigInt(request.body.id));
  await database.query("INSERT INTO user_user (id) VALUES ($1) ON CONFLICT DO NOTHING", [id]);
  await openSession(response, id);
});

app.post("/auth/refresh-token", async (request, response) => {
  const id = await userOf(request, "refresh_token");
  if (id === undefined) return response.sendStatus(401);
  return openSession(response, id);
});

app.use("/api", async (request, response, next) => {
  request.user = await userOf(request, "access_token");
  return request.user === undefined ? response.sendStatus(401) : next();
});

app.get("/api/campaigns", async (request, response) => {
  const found = await database.query(
    'SELECT id, name, card_status AS "status" FROM campaign_twittercard WHERE owner_id = $1 ORDER BY id', [request.user]);
  response.json(found.rows);
});

app.post("/api/campaigns", async (request, response) => {
  await database.query(
    "INSERT INTO campaign_twittercard (owner_id, name) VALUES ($1, $2)", [request.user, request.body.name]);
  response.sendStatus(201);
});

async function openSession(response, id) {
  const { kid, privateKey } = await signingKey(redis);
  const cookie = { httpOnly: true, secure: true, sameSite: "none" };
  for (const [name, expiresIn] of [["access_token", ACCESS_S], ["refresh_token", REFRESH_S]]) {
    const claims = { id, ts: Date.now(), jti: randomUUID() };
    const token = jwt.sign(claims, privateKey, { algorithm: "RS256", keyid: kid, expiresIn, ...ISSUER });
    response.cookie(name, token, { ...cookie, maxAge: expiresIn * 1000 });
  }
  response.json({ id });
}

/** The user's id out of the cookie's token; undefined: there is none that holds. */
async function userOf(request, cookie) {
  const token = request.headers.cookie?.match(`(?:^|; )${cookie}=([^;]+)`)?.[1];
  const keys = JSON.parse((await redis.get("authKeyStore")) ?? "[]");
  const key = keys.find(({ kid }) => kid === jwt.decode(token ?? "", { complete: true })?.header.kid);
  try {
    return jwt.verify(token, key.publicKey, { algorithms: ["RS256"], ...ISSUER }).id;
  } catch {
    return undefined;
  }
}

const server = app.listen(Number(PORT), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
