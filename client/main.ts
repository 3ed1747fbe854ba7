/** The client's command line: submit videos to a deployed stack, see how they stand, fetch their results. */
import { exitStatusOf, fetch, status, submit } from "./commands.ts";
import type { Context } from "./commands.ts";
import { explain, isAbort } from "./errors.ts";
import { LiveLine } from "./live-line.ts";
import type { TextSink } from "./live-line.ts";
import { help, parseCommand } from "./options.ts";
import { openStack } from "./stack.ts";

/** Where the command reads and writes, and what interrupts it. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly signal: AbortSignal;
}

/** Runs one command line; returns the exit status and never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { stdin, stdout, stderr, signal } = terminal;
  using live = new LiveLine(stderr);
  try {
    const command = parseCommand(args);
    if (command.command === "help") {
      stdout.write(help);
      return 0;
    }
    using stack = await openStack(command.flags);
    const print = (human: string, json: object): void => {
      live.clear();
      stdout.write(command.flags.json ? `${JSON.stringify(json)}\n` : `${human}\n`);
    };
    const context: Context = { stack, print, live, stdin, signal };
    switch (command.command) {
      case "submit":
        return await submit(command, context);
      case "status":
        return await status(command, context);
      case "fetch":
        return await fetch(command, context);
    }
  } catch (error) {
    if (isAbort(error) && signal.aborted) {
      live.say("Interrupted. Jobs that were accepted go on without this command.");
      return 130;
    }
    live.say(`error: ${explain(error)}`);
    return exitStatusOf(error);
  }
}

if (import.meta.main) {
  const controller = new AbortController();
  // Once each: a second Ctrl-C ends the process at once.
  const interrupt = (): void => {
    controller.abort();
  };
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const { stdin, stdout, stderr } = process;
  process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, signal: controller.signal });
}
