/** The published vectors, and recorded ledger data where it is at hand. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { epochOf, KeyTable } from "../src/wire/epochs";
import { unhex } from "../src/wire/bytes";

const ROOT = join(process.cwd(), "../../..");

export function vectors(name: string): any {
  return JSON.parse(readFileSync(join(ROOT, "tests/vectors", `${name}.json`), "utf8"));
}

/** A recorded file, or null where it is absent. */
export function recorded(name: string): any {
  const path = join(ROOT, "../shared/data", name);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
}

export async function keys(epochKeys: string[], userKeys: string[] = []): Promise<KeyTable> {
  const table = new KeyTable();
  for (const key of epochKeys) table.add("campaign:1234", await epochOf(unhex(key)));
  for (const key of userKeys) table.add("user:77", await epochOf(unhex(key)));
  return table;
}
