/** `npm run -s bench:planner`: time and memory of a plan, and how they grow with the number of videos. */
import { join } from "node:path";
import { z } from "zod";
import { measureRun, round } from "../../lib/bench.ts";
import { createCommand, runProcess, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";

const runSchema = z.object({ seconds: z.number().positive(), peak_mb: z.number().positive() });

/** Measures a plan in a separate process. */
function measure(requests: number, signal: AbortSignal): Promise<z.infer<typeof runSchema>> {
  return measureRun(runSchema, join(import.meta.dirname, "run.ts"), [String(requests)], signal);
}

function benchCommand({ stdout, signal }: CommandContext) {
  return createCommand("bench:planner", "measure the time and memory of a plan")
    .description(
      "Plans a burst of videos of 30 s on up to 20 instances, and a burst of a tenth of the videos, each in a separate process. Prints the number of videos, the seconds and the peak memory (MB) of the larger one, and the growth: its seconds divided by those of the smaller one.",
    )
    .option("--requests <number>", "videos of the larger burst", wholeNumber("a number", 10, 10_000_000), 1_000_000)
    .option("--json", "print one JSON object to standard output: requests, seconds, peak_mb, growth", false)
    .addHelpText("after", "\nExample:\n  npm run -s bench:planner -- --json")
    .action(async ({ requests, json }) => {
      const smaller = await measure(Math.floor(requests / 10), signal);
      const larger = await measure(requests, signal);
      const growth = larger.seconds / smaller.seconds;
      const figures = {
        requests,
        seconds: round(larger.seconds),
        peak_mb: Math.round(larger.peak_mb),
        growth: round(growth),
      };
      const text = `${requests} videos in ${figures.seconds} s with ${figures.peak_mb} MB, ${figures.growth} times as long as a tenth of them\n`;
      stdout.write(json ? `${JSON.stringify(figures)}\n` : text);
    });
}

await runProcess(benchCommand);
