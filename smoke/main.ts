/** Runs the smoke test with mocha after checking its requirements: the options, the stack's outputs, the video. */
import { join } from "node:path";
import Mocha from "mocha";
import { checkVideo, maxInputBytesOf, readOutputs } from "../client/src/index.ts";
import { processTerminal, runCommandLine } from "../lib/command-line.ts";
import { useProxies } from "../lib/proxies.ts";
import { showPrintable } from "./failures.ts";
import { queuePrefixOf } from "./old-queues.ts";
import { passOptions, smokeCommand } from "./options.ts";
import type { SmokeOptions } from "./options.ts";

async function main(options: SmokeOptions): Promise<number> {
  const outputs = await readOutputs(options);
  queuePrefixOf(outputs);
  await checkVideo(options.video, maxInputBytesOf(outputs));
  passOptions(options);
  const interruption = new AbortController();
  // The spec ends its waits and cleans up on the same signals; a second one ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      interruption.abort();
    });
  }
  const mocha = new Mocha({ reporter: options.json ? "json" : "spec", timeout: 0, bail: true });
  mocha.addFile(join(import.meta.dirname, "smoke.ts"));
  await mocha.loadFilesAsync();
  const failures = await new Promise<number>((resolve) => {
    showPrintable(mocha.run(resolve));
  });
  if (interruption.signal.aborted) {
    console.error("Interrupted; removing everything that the test has created.");
    return 130;
  }
  return failures === 0 ? 0 : 1;
}

useProxies();
process.exitCode = await runCommandLine(
  (context) => smokeCommand(context, main),
  process.argv.slice(2),
  // The test handles signals itself.
  processTerminal(new AbortController().signal),
);
