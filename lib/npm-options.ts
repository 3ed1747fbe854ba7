/** Finds options that npm took for itself because `--` was missing on its command line. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { UsageError } from "./errors.ts";

/** Variables that npm sets for every script, from its own settings (npm 11, `@npmcli/config`, `lib/set-envs.js`). */
const alwaysSet = [
  "cache",
  "global_prefix",
  "globalconfig",
  "init_module",
  "local_prefix",
  "node_gyp",
  "noproxy",
  "npm_version",
  "prefix",
  "user_agent",
  "userconfig",
];

/** npm takes a unique start of the name of one of its settings as that setting. */
const longNames: ReadonlyMap<string, string> = new Map([["to", "token_description"]]);

/**
 * Checks that npm, if it started the program, took no option of the command for itself: `npm run submit FILE --dry-run`
 * runs the script without the option, and sets the variable `npm_config_dry_run`. npm sets the same variable for a line
 * of an .npmrc file, such as `yes=true` for npx. Such a line counts as npm's, except `dry-run`: a command that ignores
 * it does its work.
 * @throws UsageError that names the options
 */
export function checkNpmOptions(
  program: CommandUnknownOpts,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): void {
  const script = environment["npm_lifecycle_event"];
  // npx passes every argument after the name of the program on.
  if (script === undefined || script === "npx") return;
  const command = program.commands.find((each) => each.name() === args[0]) ?? program;
  const taken = command.options.flatMap(({ long }) => {
    if (typeof long !== "string" || args.some((arg) => arg === long || arg.startsWith(`${long}=`))) return [];
    const name = long.slice("--".length);
    const key = longNames.get(name) ?? name.replaceAll("-", "_");
    if (alwaysSet.includes(key) || environment[`npm_config_${key}`] === undefined) return [];
    return name === "dry-run" || !isInNpmrc(key.replaceAll("_", "-"), environment) ? [long] : [];
  });
  if (taken.length === 0) return;
  const run = script === "start" || script === "test" ? `npm ${script}` : `npm run ${script}`;
  throw new UsageError(
    `npm took ${taken.join(", ")} for itself. Put -- before the options: ${run} -- ${[...taken, "…"].join(" ")} ` +
      `(if you gave no such option, remove it from .npmrc or from the environment)`,
  );
}

/** Tells whether an .npmrc file of this project, the user or the machine has a line with the setting. */
function isInNpmrc(name: string, environment: NodeJS.ProcessEnv): boolean {
  const { npm_config_userconfig: user, npm_config_globalconfig: global, npm_config_local_prefix: root } = environment;
  const files = [user, global, root === undefined ? undefined : join(root, ".npmrc")];
  const line = new RegExp(String.raw`^\s*${name}\s*(=|$)`, "m");
  return files.some((file) => {
    if (file === undefined) return false;
    try {
      return line.test(readFileSync(file, "utf8"));
    } catch {
      // Most machines do not have all three.
      return false;
    }
  });
}
