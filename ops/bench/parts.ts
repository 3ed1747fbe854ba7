/** `npm run -s bench:parts`: how much sooner a video ends that several instances process in parts. */
import { round } from "../../lib/bench.ts";
import {
  createCommand,
  interruptSignal,
  processTerminal,
  runCommandLine,
  wholeNumber,
} from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { plan } from "../../planner/plan.ts";
import { planInput } from "../plan/options.ts";
import { instances, measureSpeedUp } from "./parts-stack.ts";

/** The planned video: three hours of processing in parts of ten minutes. */
const planned = { burst: 18, seconds: "600", seed: 1 };

/** Returns the planned minutes from the arrival of all parts at an idle stack to the end of the last one. */
async function plannedMinutes(max: number | undefined): Promise<number> {
  const { settings, load, simulation } = await planInput({ ...planned, max });
  return (await plan(settings, load, simulation)).drain_minutes;
}

function benchCommand({ stdout, signal }: CommandContext) {
  return createCommand("bench:parts", "measure how much sooner a video in parts ends")
    .description(
      `Sends a video in 16 parts to ${instances} warm instances of the emulator, whose model sleeps. Prints the share of the ideal speed-up, from the first part's start. Also plans 18 parts of ten minutes on an idle stack with the default settings, and prints how many times sooner they end than on one instance, with the starts.`,
    )
    .option("--seconds <number>", "seconds that the model sleeps for a part", wholeNumber("seconds", 1, 600), 5)
    .option("--json", "print one JSON object to standard output: speed_up_share, planner_speed_up", false)
    .addHelpText("after", "\nExample:\n  npm run -s bench:parts -- --json")
    .action(async ({ seconds, json }) => {
      const figures = {
        speed_up_share: round(await measureSpeedUp(seconds, signal)),
        planner_speed_up: round((await plannedMinutes(1)) / (await plannedMinutes(undefined))),
      };
      const text = `${figures.speed_up_share} of the ideal speed-up on ${instances} instances; planned: ${figures.planner_speed_up} times sooner than on one instance\n`;
      stdout.write(json ? `${JSON.stringify(figures)}\n` : text);
    });
}

process.exitCode = await runCommandLine(benchCommand, process.argv.slice(2), processTerminal(interruptSignal()));
