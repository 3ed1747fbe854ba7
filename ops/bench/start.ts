/** `npm run -s bench:start`: the seconds and CPU seconds of `npm start`, step by step, and against another revision. */
import { existsSync } from "node:fs";
import { createCommand, runProcess } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { bench, runsOption } from "./revisions.ts";
import type { Figures } from "./steps.ts";

function table(title: string, { seconds, cpu_seconds, steps }: Figures): string {
  const row = (name: string, wall: number, cpu: number) =>
    `${name.padEnd(72)}${wall.toFixed(2).padStart(7)} s${cpu.toFixed(2).padStart(7)} CPU s\n`;
  return `${title}\n${steps.map((step) => row(step.name, step.seconds, step.cpu_seconds)).join("")}${row("total", seconds, cpu_seconds)}`;
}

function benchCommand({ stdout, signal }: CommandContext) {
  return createCommand("bench:start", "measure the steps of npm start")
    .description(
      "Runs npm start with the sample video. Prints, in total and for each step, the seconds of real time and the CPU seconds of all its processes. A step counts from the end of the step before, so that the steps add up. The figures are medians. Setup runs first and does not count. Linux only: CPU seconds are read from /proc.",
    )
    .option(...runsOption)
    .option("--against <revision>", "also measure this commit, in a temporary clone; the runs alternate")
    .option(
      "--json",
      "print one JSON object to standard output: seconds, cpu_seconds, steps, runs; with --against also ratio and cpu_ratio (the other revision's total divided by this checkout's) and against",
      false,
    )
    .addHelpText("after", "\nExample:\n  npm run -s bench:start -- --against main --json")
    .action(async ({ runs, against, json }) => {
      if (!existsSync("/proc/self/stat")) {
        throw new InvalidInputError(
          "bench:start reads CPU seconds from /proc, which this system lacks. Run it on Linux.",
        );
      }
      const figures = await bench({ root: repoRoot, runs, against, signal });
      if (json) {
        stdout.write(`${JSON.stringify(figures)}\n`);
        return;
      }
      stdout.write(table("this checkout", figures));
      if ("against" in figures) {
        stdout.write(table(`\n${figures.against.revision}`, figures.against));
        stdout.write(`\n${figures.ratio} times the time, ${figures.cpu_ratio} times the CPU time\n`);
      }
    });
}

await runProcess(benchCommand);
