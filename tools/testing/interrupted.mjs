/**
 * Stops end-to-end tests after Ctrl-C or SIGTERM: the running test ends, its clean-up hooks run, and no other test starts. Mocha loads
 * this file first.
 */
import { constants } from "node:os";

/** Milliseconds in which a second signal is ignored: npm forwards a signal that the process has already got from the terminal. */
const same = 1_000;

/** @type {{ signal: NodeJS.Signals, at: number } | undefined} */
let interrupted;

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.on(signal, () => {
    if (interrupted === undefined) {
      interrupted = { signal, at: performance.now() };
      process.stderr.write(
        `\nStopping after ${signal}: the tests clean up. Press Ctrl-C again to end them immediately.\n`,
      );
    } else if (performance.now() - interrupted.at > same) process.exit(128 + constants.signals[signal]);
  });
}

/** @throws {Error} after a signal: a failed hook of the root suite ends the run, after the clean-up hooks. */
function stopIfInterrupted() {
  if (interrupted !== undefined) throw new Error(`Stopped by ${interrupted.signal}.`);
}

export const mochaHooks = { beforeEach: stopIfInterrupted, afterEach: stopIfInterrupted };
