/** Runs groups of npm scripts in parallel: `node tools/parallel.mjs "check test:unit" "test:model"`. */
import { constants } from "node:os";
import { parseArgs } from "node:util";
import { runGroups } from "./parallel/run-groups.mjs";

const usage = `Runs groups of npm scripts in parallel; the scripts of a group run one after the other.

Usage: node tools/parallel.mjs "SCRIPT…" ["SCRIPT…"]…

The output of a script is printed as a whole when it ends. The first failure interrupts all other
scripts; they have 90 seconds to clean up before they are killed.

Example: node tools/parallel.mjs "test:e2e:stack check" "test:unit test:model"

  --help  print this text

Exit status: 0 all scripts passed, 1 one failed, 2 wrong usage, 130 Ctrl-C.
`;

/**
 * Returns the groups of scripts; undefined for a request of the help.
 * @throws {Error} for invalid arguments
 */
function parseGroups() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  if (values.help) return undefined;
  const found = positionals.map((group) => group.split(" ").filter((name) => name !== ""));
  if (found.length === 0 || found.some((group) => group.length === 0)) throw new Error("A script is missing.");
  return found;
}

/** @param {readonly (readonly string[])[]} groups */
async function run(groups) {
  const stop = new AbortController();
  for (const name of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(name, () => {
      process.exitCode = 128 + constants.signals[name];
      stop.abort();
    });
  }
  // A reader that closes the output, such as head, does not end the scripts.
  process.stdout.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== "EPIPE") throw error;
  });
  const passed = await runGroups(groups, {
    command: (name) => ["npm", "run", "-s", name],
    out: (text) => process.stdout.write(text),
    signal: stop.signal,
  });
  if (!passed) process.exitCode ??= 1;
}

/** @type {string[][] | undefined} */
let groups;
try {
  groups = parseGroups();
  if (groups === undefined) process.stdout.write(usage);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  process.exitCode = 2;
}
if (groups !== undefined) await run(groups);
