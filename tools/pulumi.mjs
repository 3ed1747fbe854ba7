/** Runs the Pulumi CLI that setup has installed: `node tools/pulumi.mjs ARGS…`. */
import { delimiter, join } from "node:path";
import { runInForeground } from "./foreground.mjs";
import { pulumiRoot } from "./paths.mjs";

const bin = join(pulumiRoot, "bin");
process.env["PATH"] = [bin, process.env["PATH"] ?? ""].join(delimiter);
try {
  process.exitCode = await runInForeground(join(bin, "pulumi"), process.argv.slice(2));
} catch (error) {
  process.stderr.write(`Cannot run the Pulumi CLI (${String(error)}). Run "node tools/setup.mjs" first.\n`);
  process.exitCode = 1;
}
