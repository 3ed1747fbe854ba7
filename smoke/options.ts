/** Options of the smoke test, and their path from the command line to the spec. */
import { join, relative } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { createCommand } from "../lib/command-line.ts";
import type { CommandContext } from "../lib/command-line.ts";

/** Options of the smoke test. */
export interface SmokeOptions {
  readonly stack?: string | undefined;
  readonly outputs?: string | undefined;
  readonly video: string;
  readonly any: boolean;
  readonly untilZero: boolean;
  readonly json: boolean;
}

const sample = join(import.meta.dirname, "..", "model", "samples", "street.mp4");

/**
 * Defines `smoke`.
 * @param run runs the test; returns the exit status
 */
export function smokeCommand({ exitWith }: CommandContext, run: (options: SmokeOptions) => Promise<number>) {
  return createCommand("async-video smoke", "test a deployed stack with one good video and one bad file")
    .description(
      "Tests a deployed stack with one good video and one bad file, using only its outputs. Waits for zero instances first: a new endpoint has one instance, and stops it after some idle minutes. Removes its videos, their results and a temporary queue at the end.",
    )
    .option("--stack <name>", 'name of the stack; "local" runs on the emulator (default: "local")')
    .addOption(
      new Option(
        "--outputs <file>",
        "file with the output of pulumi stack output --json, instead of --stack",
      ).conflicts("stack"),
    )
    .option("--video <file>", "good video, with objects that the model knows", relative(process.cwd(), sample))
    .option("--any", "start with any number of instances", false)
    .option("--until-zero", "wait for zero instances at the end", false)
    .option("--json", "print mocha's JSON report", false)
    .addHelpText(
      "after",
      `
Example:
  npm run smoke -- --stack dev --any

Exit status: 0 passed; 1 failed; 2 invalid input, or a requirement is missing; 130 interrupted.`,
    )
    .action(async (options) => {
      exitWith(await run(options));
    });
}

let current: SmokeOptions = { video: sample, any: false, untilZero: false, json: false };

/** Sets the options for the spec, which mocha loads into this process. */
export function passOptions(options: SmokeOptions): void {
  current = options;
}

/** Returns the options for the spec; the defaults if mocha was started by hand. */
export function passedOptions(): SmokeOptions {
  return current;
}
