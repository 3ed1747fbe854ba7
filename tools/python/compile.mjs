/** Updates the Python lock files from the .in files: `node tools/python/compile.mjs [--upgrade]`. Run setup first. */
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { uv } from "../paths.mjs";

const { values } = parseArgs({ options: { upgrade: { type: "boolean", default: false } } });
const folder = dirname(fileURLToPath(import.meta.url));
// One lock file for all platforms and Python versions, without the URL of the package index.
const options =
  "--universal --python-version 3.11 --fork-strategy fewest --generate-hashes --no-emit-index-url --no-header";
for (const name of ["uv", "serving", "ministack", "lint", "ray", "clients", "sagemaker3"]) {
  const args = ["pip", "compile", ...options.split(" "), "--quiet", `${name}.in`, "--output-file", `${name}.txt`];
  // Tests compare its results with TorchServe's, so common packages must have the same versions.
  if (name === "ray") args.push("--constraint", "serving.txt");
  const { status, error } = spawnSync(uv.executable, values.upgrade ? [...args, "--upgrade"] : args, {
    cwd: folder,
    // Read only this folder's uv.toml, which excludes packages.
    env: { ...process.env, UV_CONFIG_FILE: join(folder, "uv.toml") },
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (error !== undefined)
    throw new Error(`Cannot run ${uv.executable}. Run "node tools/setup.mjs" first.`, { cause: error });
  if (status !== 0) throw new Error(`Cannot compile ${name}.in: uv ended with status ${status} (see its error above).`);
  process.stdout.write(`${name}.txt\n`);
}
