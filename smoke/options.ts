/** Options of the smoke test: passed from the command line to the spec through the environment. */
import path from "node:path";
import { z } from "zod";
import { bothStackAndOutputs, problemsOf, readArguments, usage } from "./arguments.ts";

/** Text of `--help`. */
export const help = `Usage: npm run smoke -- [options]

Tests a deployed stack with one good video and one bad file, using only its outputs.

Options
  --stack NAME     the stack; "local" runs on the emulator (default: local)
  --outputs FILE   instead of --stack: the output of pulumi stack output --json
  --video FILE     the good video, with objects that the model knows (default: the repository's sample)
  --any            start with any number of instances instead of waiting for zero first
  --until-zero     wait for zero instances at the end
  --json           print mocha's JSON report instead of lines for people
  --help           this text

A new endpoint starts with one instance and stops it after at least 15 quiet minutes: without --any the test waits for that.
The test removes its videos, their results and a temporary queue at the end.

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

/** Options of the smoke test. */
export type SmokeOptions = z.infer<typeof schema>;

/** Options as Node parses them. */
const options = {
  stack: { type: "string" },
  outputs: { type: "string" },
  video: { type: "string" },
  any: { type: "boolean" },
  "until-zero": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/**
 * Parses the command line (without the program's name).
 * @throws SetupError that names all problems
 */
export function parseOptions(args: readonly string[]): SmokeOptions | "help" {
  const given = readArguments(args, options);
  const { help: wantsHelp, ...values } = given.values;
  if (wantsHelp === true) return "help";
  const checked = schema.safeParse(values);
  const both = values["stack"] !== undefined && values["outputs"] !== undefined ? [bothStackAndOutputs] : [];
  const operands = given.operands.map((operand) => `Unexpected argument '${operand}'`);
  const problems = [...given.problems, ...operands, ...problemsOf(checked), ...both];
  if (!checked.success || problems.length > 0) throw usage(...problems);
  return checked.data;
}

/** Environment variable that passes the options to the spec. */
const variable = "SMOKE_OPTIONS";

/** Passes the options to the spec, which mocha loads. */
export function hand(options: SmokeOptions): void {
  process.env[variable] = JSON.stringify(options);
}

/** Returns the passed options; the defaults if mocha was started by hand. */
export function handed(): SmokeOptions {
  return schema.parse(JSON.parse(process.env[variable] ?? "{}"));
}
