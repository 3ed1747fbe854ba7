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
