/** Runs a command on a stack: its common options, its connection, its output and its end. */
import { Option } from "@commander-js/extra-typings";
import { createCommand } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { isAbort } from "../../lib/errors.ts";
import { jsonLine, printable } from "../../lib/printable.ts";
import { Progress } from "../../lib/progress.ts";
import { openStack } from "../src/stack.ts";
import type { Stack } from "../src/stack.ts";

/** A command at work on a stack. */
export interface Session {
  readonly stack: Stack;
  /** Prints one result: its lines for people, or its JSON form. */
  readonly print: (human: string | readonly string[], json: object) => void;
  readonly live: Progress;
  readonly stdin: NodeJS.ReadableStream;
  readonly signal: AbortSignal;
}

/** Options of every command on a stack. */
export interface StackOptions {
  readonly stack?: string | undefined;
  readonly outputs?: string | undefined;
  readonly json: boolean;
}

/** Starts the definition of a command on a stack. */
export function stackCommand(name: string, description: string) {
  return createCommand(name, description)
    .option("--stack <name>", 'stack; "local" runs on the emulator (default: local)')
    .addOption(
      new Option("--outputs <file>", "instead of --stack: output of pulumi stack output --json").conflicts("stack"),
    )
    .option("--json", "print JSON lines", false)
    .addHelpText(
      "afterAll",
      "\nExit status: 0 success; 1 a job failed or is not done; 2 invalid input or setup; 130 interrupted.",
    );
}

/** Exit status after an interrupt. */
const interrupted = 130;

/**
 * Connects to the stack, does the command's work, and sets the exit status that it returns.
 * @throws SetupError if there is no such stack; the errors of the work
 */
export async function runOnStack(
  { stack: name, outputs, json }: StackOptions,
  { stdin, stdout, stderr, signal, exitWith }: CommandContext,
  work: (session: Session) => Promise<number>,
): Promise<void> {
  using live = new Progress(stderr);
  const print: Session["print"] = (human, value) => {
    live.clear();
    // Line by line: a line break in a file's name or a label must not start a line.
    const lines = typeof human === "string" ? [human] : human;
    stdout.write(`${json ? jsonLine(value) : lines.map(printable).join("\n")}\n`);
  };
  // At once: work that is under way may end later, and npm sends a second signal, which ends the process.
  const onAbort = (): void => {
    live.say("Interrupted.");
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    using stack = await openStack({ stack: name, outputs });
    exitWith(await work({ stack, print, live, stdin, signal }));
  } catch (error) {
    if (!signal.aborted || !(isAbort(error) || error === signal.reason)) throw error;
    exitWith(interrupted);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
