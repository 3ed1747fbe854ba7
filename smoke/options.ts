/** The smoke test's options: from the command line to the environment, in which the spec finds them. */
import path from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { SetupError } from "../client/index.ts";

/** What `--help` prints. */
export const help = `Usage: npm run smoke -- [options]

Proves a deployed stack on one good video and one bad file, from its outputs alone.

Options
  --stack NAME     the stack; "local" is the local AWS's (default: local)
  --outputs FILE   instead of --stack: what pulumi stack output --json printed
  --video FILE     the good video, with objects that the model knows (default: the repository's sample)
  --any            start with any number of instances instead of waiting for zero first
  --until-zero     wait for zero instances at the end
  --json           print mocha's JSON report instead of lines for people
  --help           this text

A new endpoint starts with one instance and gives it back after 15 quiet minutes and more: without --any that is waited for.
The videos sent, their results and a temporary queue are removed at the end.

Exit status: 0 passed; 1 failed; 2 wrong usage, or something is missing; 130 interrupted.
`;

const schema = z.strictObject({
  stack: z.string().min(1).optional(),
  outputs: z.string().min(1).optional(),
  video: z
    .string()
    .min(1)
    .default(path.join(import.meta.dirname, "..", "model", "samples", "street.mp4")),
  any: z.boolean().default(false),
  "until-zero": z.boolean().default(false),
  json: z.boolean().default(false),
});

/** What to test, and how. */
export type SmokeOptions = z.infer<typeof schema>;

/**
 * Reads the command line (without the program's name).
 * @throws SetupError that says what is wrong with it
 */
export function parseOptions(args: readonly string[]): SmokeOptions | "help" {
  const { help: wantsHelp, ...values } = split(args);
  if (wantsHelp === true) return "help";
  const checked = schema.safeParse(values);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw usage(`--${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong"}`);
  }
  if (checked.data.stack !== undefined && checked.data.outputs !== undefined) {
    throw usage("--stack and --outputs say the same thing: give one");
  }
  return checked.data;
}

/** The environment variable that hands the options to the spec. */
const variable = "SMOKE_OPTIONS";

/** Hands the options to the spec, which mocha loads. */
export function hand(options: SmokeOptions): void {
  process.env[variable] = JSON.stringify(options);
}

/** The options that were handed over; the defaults if mocha was started by hand. */
export function handed(): SmokeOptions {
  return schema.parse(JSON.parse(process.env[variable] ?? "{}"));
}

function split(args: readonly string[]): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({
      args: [...args],
      options: {
        stack: { type: "string" },
        outputs: { type: "string" },
        video: { type: "string" },
        any: { type: "boolean" },
        "until-zero": { type: "boolean" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw usage(error instanceof Error ? error.message.replace(/\. .*$/s, "") : String(error));
  }
}

function usage(problem: string): SetupError {
  return new SetupError(`${problem}; --help shows what there is.`);
}
