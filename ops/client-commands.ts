/** The commands of the client in the program `async-video`. */
import type { ExternalCommand } from "../lib/command-line.ts";

const summaries: Readonly<Record<string, string>> = {
  submit: "upload videos and send the jobs",
  status: "print the status of jobs",
  fetch: "fetch the results of jobs",
  redrive: "send failed jobs again",
  burst: "send many copies of a video and measure the endpoint",
};

/** Entries that pass their arguments to the client's command line. */
export const clientCommands: readonly ExternalCommand[] = Object.entries(summaries).map(([name, summary]) => ({
  name,
  summary,
  async run(args, terminal) {
    const { run } = await import("../client/cli/main.ts");
    const interrupt = new AbortController();
    terminal.signal.addEventListener("abort", () => {
      interrupt.abort();
    });
    return await run([name, ...args], { ...terminal, signal: interrupt.signal });
  },
}));
