/** Runs the Pulumi CLI that setup has installed: `node tools/pulumi.mjs ARGS…`. */
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { pulumiRoot } from "./paths.mjs";

const bin = join(pulumiRoot, "bin");
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` };
const child = spawn(join(bin, "pulumi"), process.argv.slice(2), { env, stdio: "inherit" });
child.once("error", (error) => {
  process.stderr.write(`Cannot run the Pulumi CLI (${error.message}). Run "node tools/setup.mjs" first.\n`);
  process.exitCode = 1;
});
child.once("exit", (status) => {
  process.exitCode = status ?? 1;
});
