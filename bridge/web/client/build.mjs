// `node build.mjs dist` writes the one file that is shipped; `node build.mjs test` bundles the tests and runs them.
// No time, path or name of this machine gets into the file: building again gives the same bytes.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const common = {
  absWorkingDir: here, bundle: true, format: "esm", target: "es2022", charset: "utf8", logLevel: "warning",
};

async function ship(folder) {
  const outfile = join(folder, "hcs-bridge.js");
  const banner = { js: "// hcs-bridge-client, with the packages in LICENSES.txt" };
  const entryPoints = ["src/index.ts"];
  const { metafile } = await build({ ...common, entryPoints, outfile, minify: true, banner, metafile: true });
  writeFileSync(join(folder, "LICENSES.txt"), licenses(Object.keys(metafile.inputs)));
}

// What the licenses of the packages in the file ask for: that they come along.
function licenses(inputs) {
  const packages = new Set(inputs.flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []));
  return [...packages].sort().map((name) => {
    const { version, license } = JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
    const text = readFileSync(join(here, "node_modules", name, "LICENSE"), "utf8").trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}

function runTests() {
  return inFolder(async (outdir) => {
    const names = readdirSync(join(here, "test")).filter((name) => name.endsWith(".test.ts"));
    const entryPoints = names.map((name) => `test/${name}`);
    const outExtension = { ".js": ".mjs" };
    await build({ ...common, entryPoints, outdir, outExtension, platform: "node", sourcemap: "inline" });
    const files = readdirSync(outdir).map((name) => join(outdir, name));
    const given = ["--enable-source-maps", "--test", ...files];
    return spawnSync(process.execPath, given, { stdio: "inherit", cwd: here }).status;
  });
}

async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), "hcs-bridge-client-"));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [verb, folder = "dist"] = process.argv.slice(2);
if (verb === "dist") await ship(folder);
else if (verb === "test") process.exitCode = await runTests();
else throw new Error("node build.mjs dist [folder] | test");
