/** The client's command line: submits videos to a deployed stack, shows their status, fetches their results. */
import { runProgram } from "../../lib/command-line.ts";
import { codeOf } from "../../lib/errors.ts";
import { useProxies } from "../../lib/proxies.ts";
import { clientCommands } from "./commands/index.ts";

useProxies();
const controller = new AbortController();
// Once each: a second Ctrl-C ends the process at once.
const interrupt = (): void => {
  controller.abort();
};
process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
const { stdin, stdout, stderr, env: environment } = process;
// The reader may stop reading (`| head`): finish the work anyway.
stdout.on("error", (error) => {
  if (codeOf(error) !== "EPIPE") throw error;
});
process.exitCode = await runProgram(
  {
    name: "async-video",
    summary: "Sends videos to a deployed stack, and fetches their results.",
    commands: clientCommands,
  },
  process.argv.slice(2),
  { stdin, stdout, stderr, environment, signal: controller.signal },
);
import type { Command, Context } from "./command-line.ts";
import { usage } from "../src/arguments.ts";
import { burst } from "./commands/burst.ts";
import { fetch } from "./commands/fetch.ts";
import { redrive } from "./commands/redrive.ts";
import { status } from "./commands/status.ts";
import { submit } from "./commands/submit.ts";
import { codeOf, exitCodeOf, explain, isAbort } from "../../lib/errors.ts";
import { Progress } from "../../lib/progress.ts";
import type { TextSink } from "../../lib/command-line.ts";
import { openStack } from "../src/stack.ts";

/** Streams and interrupt signal of a command. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly signal: AbortSignal;
}

const commands: ReadonlyMap<string, Command> = new Map(Object.entries({ submit, status, fetch, redrive, burst }));

const overview = `Usage: npm run COMMAND -- …

${[...commands].map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`).join("\n")}

npm run COMMAND -- --help shows the options of a command.
`;

/** Runs one command line; returns the exit status and never throws. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { stdin, stdout, stderr, signal } = terminal;
  using live = new Progress(stderr);
  try {
    const [name, ...rest] = args;
    const command = commands.get(name ?? "");
    if (command === undefined) {
      if (name !== "--help" && name !== "-h") {
        throw usage(name === undefined ? "a command is missing" : `there is no command ${name}`);
      }
      stdout.write(overview);
      return 0;
    }
    const prepared = command.parse(rest);
    if (prepared === "help") {
      stdout.write(command.help);
      return 0;
    }
    using stack = await openStack(prepared);
    const print: Context["print"] = (human, json) => {
      live.clear();
      // Line by line: a line break in a file's name or a label must not start a line.
      const lines = typeof human === "string" ? [human] : human;
      stdout.write(`${prepared.json ? jsonLine(json) : lines.map(printable).join("\n")}\n`);
    };
    const context: Context = { stack, print, live, stdin, signal };
    return await prepared.run(context);
  } catch (error) {
    if (isAbort(error) && signal.aborted) {
      live.say("Interrupted. Accepted jobs keep running without this command.");
      return 130;
    }
    live.say(`error: ${explain(error)}`);
    return exitCodeOf(error);
  }
}

if (import.meta.main) {
  useProxies();
  const controller = new AbortController();
  // Once each: a second Ctrl-C ends the process at once.
  const interrupt = (): void => {
    controller.abort();
  };
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const { stdin, stdout, stderr } = process;
  // The reader may stop reading (`| head`): finish the work anyway.
  stdout.on("error", (error) => {
    if (codeOf(error) !== "EPIPE") throw error;
  });
  process.exitCode = await run(process.argv.slice(2), { stdin, stdout, stderr, signal: controller.signal });
}
