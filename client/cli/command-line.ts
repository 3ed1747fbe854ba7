/** What a command of the client's command line is: its help, its flags and what they may be, and what it does. */
import type { ParseArgsOptionsConfig } from "node:util";
import { z } from "zod";
import { bothStackAndOutputs, problemsOf, readArguments, usage } from "../src/arguments.ts";
import type { LiveLine } from "../src/live-line.ts";
import type { Stack } from "../src/stack.ts";

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

const commonHelp = `  --stack NAME          the stack; "local" is the emulator's (default: local)
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
   * Reads the command's arguments; `help` if it is asked for.
   * @throws SetupError that names all that is wrong with the options
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
      const { values, operands, problems } = readArguments(args, { ...spec.options, ...commonOptions });
      const { stack, outputs, json, help, ...rest } = values;
      if (help === true) return "help";
      const shared = common.safeParse({ stack, outputs, json });
      const flags = own.safeParse(rest);
      const both = stack !== undefined && outputs !== undefined ? [bothStackAndOutputs] : [];
      const all = [...problems, ...problemsOf(shared), ...problemsOf(flags), ...both];
      if (!shared.success || !flags.success || all.length > 0) throw usage(...all);
      return {
        ...shared.data,
        stack: shared.data.stack,
        outputs: shared.data.outputs,
        run: spec.prepare(operands, flags.data),
      };
    },
  };
}

/** A flag that takes whole numbers. */
export function wholeNumber(flag: string, what: string, least: number, most: number) {
  const error = `--${flag} takes ${what} from ${least} to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error }).optional();
}
