/** Loaded before the end-to-end tests: after Ctrl-C or SIGTERM, the running test ends, its clean-up hooks run, and no other test starts. */
import { constants } from "node:os";

/** Milliseconds. npm passes a signal on to a process that has just got it from the terminal: that is no second Ctrl-C. */
const SAME = 1_000;

/** @type {{ signal: NodeJS.Signals, at: number } | undefined} */
let interrupted;

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.on(signal, () => {
    if (interrupted === undefined) {
      interrupted = { signal, at: performance.now() };
      process.stderr.write(`\nStopping after ${signal}: the tests clean up. Another Ctrl-C ends them at once.\n`);
    } else if (performance.now() - interrupted.at > SAME) process.exit(128 + constants.signals[signal]);
  });
}

/** @throws {Error} once a signal has come: a failed hook of the root suite ends the run, with the hooks that clean up. */
function stopIfInterrupted() {
  if (interrupted !== undefined) throw new Error(`Stopped by ${interrupted.signal}.`);
}

export const mochaHooks = { beforeEach: stopIfInterrupted, afterEach: stopIfInterrupted };
