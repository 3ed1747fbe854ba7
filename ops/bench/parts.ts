/** `npm run -s bench:parts`: how much sooner a video ends that several instances process in parts, and the bytes that they read. */
import { round } from "../../lib/bench.ts";
import { createCommand, runProcess, wholeNumber } from "../../lib/command-line.ts";
import type { CommandContext } from "../../lib/command-line.ts";
import { UsageError } from "../../lib/errors.ts";
import { plan } from "../../planner/plan.ts";
import { planInput } from "../plan/options.ts";
import { measureBytesRead } from "./bytes-read.ts";
import { instances, measureSpeedUp } from "./parts-stack.ts";

/** The planned video: three hours of processing in parts of ten minutes. */
const planned = { burst: 18, seconds: "600", seed: 1 };

/** Returns the planned minutes from the arrival of all parts at an idle stack to the end of the last one. */
async function plannedMinutes(max: number | undefined): Promise<number> {
  const { settings, load, simulation } = await planInput({ ...planned, max });
  return (await plan(settings, load, simulation)).drain_minutes;
}

/** Keys of the JSON object, and their meanings. */
const meanings = {
  speed_up_share: `share of the ideal speed-up on ${instances} warm instances, from the first part's start`,
  planner_speed_up: "planned: times sooner than on one instance, with the starts",
  bytes_read_overhead: "bytes that four parts read, divided by those of one request",
  bytes_read_share: "share of a 4K video that is read for a frame in ten seconds",
  keyframe_bytes_read_share: "the same with sampling=keyframe",
  body_seconds_saved: "with --body: seconds that TorchServe takes for a body of 512 MiB, which a reference saves",
} as const;

type Figures = { readonly [Key in keyof typeof meanings]?: number | undefined };

function describe(figures: Figures): string {
  const shown = Object.entries(meanings).flatMap(([key, meaning]) => {
    const value = figures[key as keyof typeof meanings];
    return value === undefined ? [] : `${key.padEnd(26)} ${value}  ${meaning}\n`;
  });
  return shown.join("");
}

function benchCommand({ stdout, signal }: CommandContext) {
  const keys = Object.entries(meanings).map(([key, meaning]) => `  ${key.padEnd(26)} ${meaning}`);
  return createCommand("bench:parts", "measure how much sooner a video in parts ends, and the bytes that parts read")
    .description(
      `Sends a video in 16 parts to ${instances} warm instances of the emulator, whose model sleeps. Plans 18 parts of ten minutes on an idle stack with the default settings. Counts the bytes that the handler reads of generated videos, which stay in .local/bench: the first run takes minutes longer.`,
    )
    .option("--seconds <number>", "seconds that the model sleeps for a part", wholeNumber("seconds", 1, 600), 5)
    .option(
      "--video-seconds <number>",
      "length of the generated videos: a multiple of ten",
      wholeNumber("seconds", 10, 3600),
      120,
    )
    .option("--body", "also send a body of 512 MiB to TorchServe, which takes minutes", false)
    .option("--json", "print one JSON object to standard output", false)
    .addHelpText("after", `\nFigures:\n${keys.join("\n")}\n\nExample:\n  npm run -s bench:parts -- --json --body`)
    .action(async ({ seconds, videoSeconds, body, json }) => {
      if (videoSeconds % 10 !== 0) throw new UsageError("--video-seconds takes a multiple of ten");
      const figures: Figures = {
        speed_up_share: round(await measureSpeedUp(seconds, signal)),
        planner_speed_up: round((await plannedMinutes(1)) / (await plannedMinutes(undefined))),
        ...(await measureBytesRead({ videoSeconds, body, signal })),
      };
      stdout.write(json ? `${JSON.stringify(figures)}\n` : describe(figures));
    });
}

await runProcess(benchCommand);
