/** Runs the serving environment's Python, with its tools on the PATH: `node tools/python.mjs ARGS…`. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { delimiter, dirname } from "node:path";
import { servingPython } from "./paths.mjs";

const env = { ...process.env, PATH: `${dirname(servingPython)}${delimiter}${process.env["PATH"] ?? ""}` };
const child = spawn(servingPython, process.argv.slice(2), { env, stdio: "inherit" });
child.once("error", (error) => {
  process.stderr.write(`Cannot run ${servingPython} (${error.message}). Run "node tools/setup.mjs" first.\n`);
  process.exitCode = 1;
});
child.once("exit", (status, signal) => {
  process.exitCode = signal === null ? (status ?? 1) : 128 + constants.signals[signal];
});
// A terminal sends Ctrl-C to both processes; this one waits until Python has ended.
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.on(signal, () => {
    if (signal === "SIGTERM") child.kill(signal);
  });
}
