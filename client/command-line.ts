/** What a command of the client's command line is: its help, its flags and what they may be, and what it does. */
import { parseArgs } from "node:util";
import type { ParseArgsOptionsConfig } from "node:util";
import { z } from "zod";
import { SetupError } from "./errors.ts";
import type { LiveLine } from "./live-line.ts";
import type { Stack } from "./stack.ts";

/** What a command works with. */
export interface Context {
  readonly stack: Stack;
  /** Prints one result: its lines for people, or the JSON form of the same. */
  readonly print: (human: string | readonly string[], json: object) => void;
  readonly live: LiveLine;
  readonly stdin: NodeJS.ReadableStream;
  readonly signal: AbortSignal;
}

/** The flags that every command has. */
const commonOptions = {
  stack: { type: "string" },
  outputs: { type: "string" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const satisfies ParseArgsOptionsConfig;

const commonFlags = {
  stack: z.string().min(1).optional(),
  outputs: z.string().min(1).optional(),
  json: z.boolean().default(false),
};

const commonHelp = `  --stack NAME          the stack; "local" is the local AWS's (default: local)
  --outputs FILE        instead of --stack: what pulumi stack output --json printed
  --json                print JSON lines
  --help                this text
`;

/** One run of a command, its command line found good. */
export interface Prepared {
  readonly stack: string | undefined;
  readonly outputs: string | undefined;
  readonly json: boolean;
  /** Does the work; returns the exit status. */
  run(context: Context): Promise<number>;
}

/** A command, ready to be listed and run. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /**
   * Reads the command's arguments; `help` where that is all that is asked for.
   * @throws SetupError that says what is wrong with them
   */
  parse(args: readonly string[]): Prepared | "help";
}

/** What a command is made of. */
export interface CommandSpec<Shape extends z.ZodRawShape> {
  readonly summary: string;
  /** The help's text up to the list of options, and the options of this command's own. */
  readonly help: { readonly usage: string; readonly options: string; readonly end: string };
  /** The flags as Node reads them, and what they may be. */
  readonly options: ParseArgsOptionsConfig;
  readonly flags: Shape;
  /**
   * Looks at operands and flags together; what it returns does the work.
   * @throws SetupError that says what is wrong with them
   */
  prepare(operands: readonly string[], flags: z.infer<z.ZodObject<Shape>>): (context: Context) => Promise<number>;
}

/** Makes a command that also has the flags that all have. */
export function defineCommand<Shape extends z.ZodRawShape>(spec: CommandSpec<Shape>): Command {
  const { usage: head, options, end } = spec.help;
  const own = z.strictObject(spec.flags);
  const common = z.object(commonFlags);
  return {
    summary: spec.summary,
    help: `${head}\nOptions\n${options}${commonHelp}\n${end}`,
    parse(args) {
      const { values, positionals } = split(args, { ...spec.options, ...commonOptions });
      const { stack, outputs, json, help, ...rest } = values;
      if (help === true) return "help";
      const shared = check(common, { stack, outputs, json });
      if (shared.stack !== undefined && shared.outputs !== undefined) {
        throw usage("--stack and --outputs say the same thing: give one");
      }
      return {
        ...shared,
        stack: shared.stack,
        outputs: shared.outputs,
        run: spec.prepare(positionals, check(own, rest)),
      };
    },
  };
}

/** A flag that takes whole numbers. */
export function wholeNumber(flag: string, what: string, least: number, most: number) {
  return z.coerce
    .number()
    .int()
    .min(least)
    .max(most)
    .optional()
    .catch(() => {
      throw new SetupError(`--${flag} takes ${what} from ${least} to ${most}.`);
    });
}

/** A command line that is wrong. */
export function usage(problem: string): SetupError {
  return new SetupError(`${problem}; --help shows what there is.`);
}

function split(
  args: readonly string[],
  options: ParseArgsOptionsConfig,
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw usage(error instanceof Error ? error.message.replace(/\. .*$/s, "") : String(error));
  }
}

function check<Flags>(schema: z.ZodType<Flags>, values: Readonly<Record<string, unknown>>): Flags {
  const checked = schema.safeParse(values);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw usage(`--${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong"}`);
}
