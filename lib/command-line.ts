/** Defines commands with commander, and runs a command line to its exit status. */
import type { Command, CommandUnknownOpts } from "@commander-js/extra-typings";
import { CommanderError, Help, InvalidArgumentError, Command as UntypedCommand } from "commander";
import type { Option } from "commander";
import { codeOf, exitCodeOf, explain, InterruptedError, isAbort, UsageError, UserError } from "./errors.ts";
import { checkNpmOptions } from "./npm-options.ts";
import { printableText } from "./printable.ts";

/** The part of an output stream that commands use. */
export interface TextSink {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Streams, environment and interrupt signal of a process. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts at the first interrupt; its reason is a {@link UserError} with the exit status. */
  readonly signal: AbortSignal;
}

const signalStatuses = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Returns a signal that aborts with an {@link InterruptedError} at the first SIGINT, SIGTERM or SIGHUP of this process.
 * @param repeated the effect of a second signal: `ignore` it, because the cleanup runs, or `end` the process at once
 */
export function interruptSignal(repeated: "ignore" | "end" = "ignore"): AbortSignal {
  const controller = new AbortController();
  for (const [name, status] of Object.entries(signalStatuses)) {
    process[repeated === "end" ? "once" : "on"](name, () => {
      controller.abort(new InterruptedError(name, status));
    });
  }
  return controller.signal;
}

/** Returns the terminal of this process. A reader that closes the output, such as `head`, does not end the command. */
export function processTerminal(signal: AbortSignal): Terminal {
  const { stdin, stdout, stderr, env } = process;
  stdout.on("error", (error) => {
    if (codeOf(error) !== "EPIPE") throw error;
  });
  return { stdin, stdout, stderr, environment: env, signal };
}

/** The terminal of a running command. */
export interface CommandContext extends Terminal {
  /** Sets the exit status of a command that ends without an error. @default 0 */
  readonly exitWith: (status: number) => void;
}

/** Number of columns of the help. */
const helpColumns = 100;

/** Tells whether an argument looks like an option: not `-`, which is standard input, and not a negative number. */
function isOption(argument: string): boolean {
  return /^--?[a-z]/i.test(argument);
}

/** Reports all unknown and invalid options at once; commander would stop at the first. */
class CheckedCommand extends UntypedCommand {
  readonly #problems: string[] = [];
  #unknown: readonly string[] = [];

  constructor(name: string) {
    super(name);
    this.exitOverride((error) => {
      if (error.exitCode === 0) throw error;
      // Commander prints its help if the name of a command is missing.
      if (error.code === "commander.help")
        throw new UserError(`A command is missing.\n${this.#commandList()}`, { exitCode: 2 });
      throw new UsageError(...this.#problems, problemOf(error));
    });
    this.configureHelp({
      helpWidth: helpColumns,
      // Every flag is off by default.
      optionDescription: (option) =>
        option.defaultValue === false ? option.description : new Help().optionDescription(option),
    });
    this.helpOption("-h, --help", "print this text");
    this.helpCommand(false);
    this.hook("preAction", () => {
      if (this.#problems.length > 0) throw new UsageError(...this.#problems);
    });
  }

  /** Returns the help's list of commands. */
  #commandList(): string {
    const help = Object.assign(this.createHelp(), { helpWidth: helpColumns });
    const width = help.padWidth(this, help);
    const items = help
      .visibleCommands(this)
      .map((each) => help.formatItem(help.subcommandTerm(each), width, help.subcommandDescription(each), help));
    return help.formatItemList("Commands:", items, help).join("\n").trimEnd();
  }

  override createCommand(name: string): CheckedCommand {
    return new CheckedCommand(name);
  }

  override addOption(option: Option): this {
    const parse = option.parseArg?.bind(option);
    const flag = option.long ?? option.flags;
    const isRepeatable = option.variadic || (option.parseArg !== undefined && repeatables.has(option.parseArg));
    let isGiven = false;
    if (option.required) {
      option.argParser((value, previous: unknown) => {
        try {
          if (isGiven && !isRepeatable) throw new InvalidArgumentError("is given more than once");
          isGiven = true;
          // Commander takes the next argument as the value, even if it is an option.
          if (value === "" || isOption(value)) throw new InvalidArgumentError("needs a value");
          if (parse !== undefined) return parse(value, previous);
          return option.variadic ? [...(Array.isArray(previous) ? (previous as unknown[]) : []), value] : value;
        } catch (error) {
          if (!(error instanceof InvalidArgumentError)) throw error;
          this.#problems.push(`${flag} ${error.message}`);
          return undefined;
        }
      });
    }
    return super.addOption(option);
  }

  /** Commander calls it for each required option without a value, also for one whose value is invalid. */
  missingMandatoryOptionValue(option: Option): void {
    const flag = option.long ?? option.flags;
    if (!this.#problems.some((problem) => problem.startsWith(`${flag} `))) this.#problems.push(`${flag} is missing`);
  }

  override parseOptions(args: string[]) {
    const parsed = super.parseOptions(args);
    this.#unknown = parsed.unknown.filter(isOption);
    return parsed;
  }

  /** Commander calls it if there is an unknown option, before it processes the operands. */
  unknownOption(): void {
    // Commander counts an unknown option as an operand.
    this.allowExcessArguments();
    for (const option of this.#unknown) {
      const [name = option] = option.split("=");
      const isKnown = this.options.some(({ long, short }) => name === long || name === short);
      this.#problems.push(isKnown ? `${name} takes no value` : `Unknown option '${option}'`);
    }
  }
}

/** Returns the first line of commander's message, without a full stop. */
function problemOf({ message }: CommanderError): string {
  const [problem = ""] = message.replace(/^error: /, "").split("\n");
  return problem.charAt(0).toUpperCase() + problem.slice(1).replace(/\.$/, "");
}

/**
 * Starts the definition of a command; `.option()`, `.argument()` and `.action()` complete it. An action that fails
 * throws, or sets the status with {@link CommandContext.exitWith}.
 * @param summary one line for the list of commands
 */
export function createCommand(name: string, summary: string): Command {
  return new CheckedCommand(name).summary(summary).description(summary) as unknown as Command;
}

/** The parsers of {@link repeatable}. */
const repeatables = new WeakSet<object>();

/** Returns the parser of an option that may be given several times. Its value is the list of the parsed ones. */
export function repeatable<Value>(parse: (text: string) => Value) {
  const collect = (text: string, previous: readonly Value[] = []): readonly Value[] => [...previous, parse(text)];
  repeatables.add(collect);
  return collect;
}

/** Returns the parser of an option that takes a whole number. */
export function wholeNumber(what: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`takes ${what} from ${min} to ${max}`);
  };
}

/** Returns the parser of an option that takes one of some values. */
export function oneOf<const Value extends string>(values: readonly Value[]): (text: string) => Value {
  return (text) => {
    const value = values.find((each) => each === text);
    if (value !== undefined) return value;
    throw new InvalidArgumentError(`takes ${values.join(" or ")}`);
  };
}

/**
 * Returns the parser of an option that takes a text of a certain form.
 * @param rule the rule that the message of an error states, such as "takes a number"
 */
export function matching(pattern: RegExp, rule: string): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw new InvalidArgumentError(rule);
  };
}

/**
 * Runs a command line without the program's name; prints errors to standard error. Returns the exit status.
 * @param build defines the program; called once
 */
export async function runCommandLine(
  build: (context: CommandContext) => CommandUnknownOpts,
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  let status = 0;
  const exitWith = (given: number): void => {
    status = given;
  };
  const program = build({ ...terminal, exitWith });
  writeHelpTo(program, terminal.stdout);
  try {
    checkNpmOptions(program, args, terminal.environment);
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    // The help was printed.
    if (error instanceof CommanderError) return 0;
    const cause = causeOf(error, terminal.signal);
    const prefix = cause instanceof InterruptedError ? "" : "error: ";
    terminal.stderr.write(`${prefix}${printableText(explain(cause))}\n`);
    return exitCodeOf(cause);
  }
}

/** Runs the command line of this process, and sets its exit status. The first interrupt aborts the command. */
export async function runProcess(build: (context: CommandContext) => CommandUnknownOpts): Promise<void> {
  process.exitCode = await runCommandLine(build, process.argv.slice(2), processTerminal(interruptSignal()));
}

function writeHelpTo(command: CommandUnknownOpts, out: TextSink): void {
  command.configureOutput({ writeOut: (text) => out.write(text), writeErr: () => undefined });
  for (const child of command.commands) writeHelpTo(child, out);
}

/** Returns the signal's reason for an error that its abort caused. */
function causeOf(error: unknown, signal: AbortSignal): unknown {
  return isAbort(error) && signal.aborted && signal.reason instanceof UserError ? signal.reason : error;
}

/** A command of a program with several. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Loads the command's module. Only the module of the command that runs is loaded. */
  readonly load: () => Promise<(context: CommandContext) => CommandUnknownOpts>;
}

/** A command that parses its arguments itself, such as another program. */
export interface ExternalCommand extends Pick<CommandEntry, "name" | "summary"> {
  /** Returns the exit status. */
  readonly run: (args: readonly string[], terminal: Terminal) => Promise<number>;
}

/** A program of several commands. */
export interface Program {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly (CommandEntry | ExternalCommand)[];
}

/** Runs a command line that starts with the name of one of the commands. Returns the exit status. */
export async function runProgram(program: Program, args: readonly string[], terminal: Terminal): Promise<number> {
  const chosen = program.commands.find(({ name }) => name === args[0]);
  if (chosen !== undefined && "run" in chosen) return await chosen.run(args.slice(1), terminal);
  const build = await chosen?.load();
  return await runCommandLine(
    (context) => {
      const root = createCommand(program.name, program.summary).usage("<command> [options]");
      for (const { name, summary } of program.commands) {
        root.addCommand(name === chosen?.name && build !== undefined ? build(context) : createCommand(name, summary));
      }
      return root.addHelpText("after", `\n${program.name} <command> --help prints the options of a command.`);
    },
    args,
    terminal,
  );
}
