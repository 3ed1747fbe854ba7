/** Runs the serving environment's Python, with its tools on the PATH: `node tools/python.mjs ARGS…`. */
import { delimiter, dirname } from "node:path";
import { runInForeground } from "./foreground.mjs";
import { servingPython } from "./paths.mjs";

process.env["PATH"] = [dirname(servingPython), process.env["PATH"] ?? ""].join(delimiter);
try {
  process.exitCode = await runInForeground(servingPython, process.argv.slice(2));
} catch (error) {
  process.stderr.write(`Cannot run ${servingPython} (${String(error)}). Run "node tools/setup.mjs" first.\n`);
  process.exitCode = 1;
}
