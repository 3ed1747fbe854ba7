/** Runs the program `async-video`. `ops/bin/async-video.mjs` starts it after the setup. */
import { resolve } from "node:path";
import { interruptSignal, processTerminal, runProgram } from "../lib/command-line.ts";
import { useProxies } from "../lib/proxies.ts";
import { clientCommands } from "../client/cli/commands/index.ts";
import { repoRoot } from "../tools/paths.mjs";
import { commands } from "./commands.ts";
import { withDenials } from "./local/denials.ts";

/** Commands without a cleanup, or with their own signal handlers. */
const withoutInterrupt = ["doctor", "pipeline", "smoke"];

function signalFor(name: string | undefined): AbortSignal {
  if (name === undefined || withoutInterrupt.includes(name)) return new AbortController().signal;
  return interruptSignal(clientCommands.some((command) => command.name === name) ? "end" : "ignore");
}

useProxies();
const args = process.argv.slice(2);
const program = {
  name: "async-video",
  summary: "Runs GPU inference on videos with SageMaker, on AWS or on this machine.",
  commands,
};
process.exitCode = await withDenials(resolve(repoRoot, ".local"), process.stderr, () =>
  runProgram(program, args, processTerminal(signalFor(args[0]))),
);
