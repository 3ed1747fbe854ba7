/** Defines a command of the client's command line: its help, its flags with their types, and its action. */
import type { ParseArgsOptionsConfig } from "node:util";
import { z } from "zod";
import { bothStackAndOutputs, problemsOf, readArguments, usage } from "../src/arguments.ts";
import type { Progress } from "../../lib/progress.ts";
import type { Stack } from "../src/stack.ts";

/** Context of a running command. */
export interface Context {
  readonly stack: Stack;
  /** Prints one result: its lines for people, or its JSON form. */
  readonly print: (human: string | readonly string[], json: object) => void;
  readonly live: Progress;
  readonly stdin: NodeJS.ReadableStream;
  readonly signal: AbortSignal;
}

/** Flags of every command. */
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

const commonHelp = `  --stack NAME          the stack; "local" runs on the emulator (default: local)
  --outputs FILE        instead of --stack: the output of pulumi stack output --json
  --json                print JSON lines
  --help                this text
`;

/** One run of a command whose command line is valid. */
export interface Prepared {
  readonly stack: string | undefined;
  readonly outputs: string | undefined;
  readonly json: boolean;
  /** Runs the command; returns the exit status. */
  run(context: Context): Promise<number>;
}

/** A command that can be listed and run. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /**
   * Parses the command's arguments; returns `help` if it is requested.
   * @throws SetupError that names all problems of the options
   */
  parse(args: readonly string[]): Prepared | "help";
}

/** Definition of a command. */
export interface CommandSpec<Shape extends z.ZodRawShape> {
  readonly summary: string;
  /** Text of the help up to the list of options, and this command's options. */
  readonly help: { readonly usage: string; readonly options: string; readonly end: string };
  /** Flags as Node parses them, and the schema of their values. */
  readonly options: ParseArgsOptionsConfig;
  readonly flags: Shape;
  /**
   * Checks operands and flags together and returns the action.
   * @throws SetupError that names their problem
   */
  prepare(operands: readonly string[], flags: z.infer<z.ZodObject<Shape>>): (context: Context) => Promise<number>;
}

/** Makes a command that also has the common flags. */
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

/** Makes the schema of a flag with a whole number. */
export function wholeNumber(flag: string, what: string, least: number, most: number) {
  const error = `--${flag} takes ${what} from ${least} to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error }).optional();
}
