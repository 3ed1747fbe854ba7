/** Writes the Python lock files anew from the .in files: `node tools/python/compile.mjs [--upgrade]`, after set-up. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { uv } from "../paths.mjs";

const { values } = parseArgs({ options: { upgrade: { type: "boolean", default: false } } });
const folder = dirname(fileURLToPath(import.meta.url));
// For every platform and Python at once, and without the address of the index that they were read from.
const options =
  "--universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header";
for (const name of ["uv", "serving", "ministack", "lint", "ray"]) {
  const args = ["pip", "compile", ...options.split(" "), "--quiet", `${name}.in`, "--output-file", `${name}.txt`];
  // Results are compared with TorchServe's: what both have must be the same.
  if (name === "ray") args.push("--constraint", "serving.txt");
  const { status, error } = spawnSync(uv.executable, values.upgrade ? [...args, "--upgrade"] : args, {
    cwd: folder,
    // Read here, and not from a folder above: it names the packages that are left out.
    env: { ...process.env, UV_CONFIG_FILE: join(folder, "uv.toml") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (error !== undefined)
    throw new Error(`${uv.executable} did not start: run "node tools/setup.mjs" first.`, { cause: error });
  if (status !== 0) throw new Error(`${name}.in could not be compiled: uv ended with status ${status}.`);
  process.stdout.write(`${name}.txt\n`);
}
