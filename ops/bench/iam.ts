/** `npm run -s bench:iam`: the time of `npm start` with the enforcement of IAM, and without it. */
import { createCommand, runProcess } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { removeEnforcement } from "./enforcement.ts";
import { bench, runsOption } from "./revisions.ts";

function benchCommand({ stdout, signal }: CommandContext) {
  return createCommand("bench:iam", "measure the cost of the enforcement of IAM")
    .description(
      "Runs npm start in this checkout, and in a temporary clone of its last commit whose emulator allows every call; the runs alternate. Commit your changes first: the clone does not have them. Setup does not count. Linux only.",
    )
    .option(...runsOption)
    .option(
      "--json",
      "print one JSON object to standard output: seconds and cpu_seconds with enforcement; without, the same without it; ratio and cpu_ratio, the total with enforcement divided by the total without it; runs. The figures are medians",
      false,
    )
    .addHelpText("after", "\nExample:\n  npm run -s bench:iam -- --json")
    .action(async ({ runs, json }) => {
      const options = { root: repoRoot, runs, against: "HEAD", change: removeEnforcement, signal };
      const measured = await bench(options);
      if (!("against" in measured)) throw new Error("The benchmark has not measured the other checkout.");
      const { seconds, cpu_seconds, against } = measured;
      const rounded = (value: number): number => Math.round(value * 1000) / 1000;
      const figures = {
        ratio: rounded(1 / measured.ratio),
        cpu_ratio: rounded(1 / measured.cpu_ratio),
        seconds,
        cpu_seconds,
        without: { seconds: against.seconds, cpu_seconds: against.cpu_seconds },
        runs,
      };
      stdout.write(
        json
          ? `${JSON.stringify(figures)}\n`
          : `With enforcement, npm start takes ${seconds} s and ${cpu_seconds} CPU s: ${figures.ratio} times the time and ${figures.cpu_ratio} times the CPU time that it takes without.\n`,
      );
    });
}

await runProcess(benchCommand);
