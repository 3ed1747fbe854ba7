/** Runs npm scripts in lanes side by side: `node tools/lanes.mjs "check test:unit" "test:model"`. */
import { constants } from "node:os";
import { runLanes } from "./lanes/run-lanes.mjs";

const usage = `Runs npm scripts side by side, in lanes; the scripts of a lane run one after the other.

usage: node tools/lanes.mjs "SCRIPT…" ["SCRIPT…"]…

What a script prints comes as a whole, when it has ended. The first that fails interrupts all others,
which may clean up for 90 seconds before they are killed.
The status is 0 if all have passed, 1 if one has failed, 2 for wrong usage, 130 after Ctrl-C.
`;

const lanes = process.argv.slice(2).map((lane) => lane.split(" ").filter((name) => name !== ""));
if (lanes.length === 0 || lanes.some((lane) => lane.length === 0)) {
  process.stderr.write(usage);
  process.exitCode = 2;
} else {
  const stop = new AbortController();
  for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(name, () => {
      process.exitCode = 128 + constants.signals[name];
      stop.abort();
    });
  }
  const passed = await runLanes(lanes, {
    command: (name) => ["npm", "run", "-s", name],
    out: (text) => process.stdout.write(text),
    signal: stop.signal,
  });
  if (!passed) process.exitCode ??= 1;
}
