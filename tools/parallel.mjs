/** Runs groups of npm scripts in parallel: `node tools/parallel.mjs "check test:unit" "test:model"`. */
import { constants } from "node:os";
import { runGroups } from "./parallel/run-groups.mjs";

const usage = `Runs groups of npm scripts in parallel; the scripts of a group run one after the other.

Usage: node tools/parallel.mjs "SCRIPT…" ["SCRIPT…"]…

The output of a script is printed as a whole when it ends. The first failure interrupts all other
scripts; they have 90 seconds to clean up before they are killed.

Example: node tools/parallel.mjs "test:e2e:stack check" "test:unit test:model"

Exit status: 0 all scripts passed, 1 one failed, 2 wrong usage, 130 Ctrl-C.
`;

const groups = process.argv.slice(2).map((group) => group.split(" ").filter((name) => name !== ""));
if (groups.length === 0 || groups.some((group) => group.length === 0)) {
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
  const passed = await runGroups(groups, {
    command: (name) => ["npm", "run", "-s", name],
    out: (text) => process.stdout.write(text),
    signal: stop.signal,
  });
  if (!passed) process.exitCode ??= 1;
}
