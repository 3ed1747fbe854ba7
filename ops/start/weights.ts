/** Chooses the weights for a video, and estimates the duration of the run. */
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { repoRoot } from "../../tools/paths.mjs";
import { artifacts, ModelCommandError, packageModel, unreachable } from "./model.ts";
import type { WeightsName } from "./model.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import type { Progress } from "../../lib/progress.ts";
import { changeSettings, parseSetting } from "../deployment/settings-file.ts";

/** Settings of the stack `local`. */
export const localSettings = join(repoRoot, "Pulumi.local.yaml");

/** The user's choice, and the video. */
export interface WeightsRequest {
  /** The user's choice. @default `coco` for the user's video if they are available, otherwise `small` */
  readonly asked?: WeightsName | undefined;
  /** The user's video, as given on the command line; undefined for the sample. */
  readonly footage?: string | undefined;
}

/**
 * Chooses the weights, and builds the artifact with the COCO weights if they are chosen.
 * @throws InvalidInputError if the user chose the COCO weights and they are not available, or if the download has another checksum
 */
export async function chooseWeights(
  { asked, footage }: WeightsRequest,
  progress: Progress,
  signal: AbortSignal,
  build: typeof packageModel = packageModel,
): Promise<WeightsName> {
  if (asked === "small" || (asked === undefined && footage === undefined)) {
    if (footage !== undefined) progress.say(`${warning(footage)} Use --weights coco for real footage.`);
    return "small";
  }
  try {
    await progress.step("Getting the COCO weights and packaging them", (step) =>
      build(signal, { weights: "coco", onLine: step.detail }),
    );
    return "coco";
  } catch (error) {
    if (!(error instanceof ModelCommandError)) throw error;
    if (asked === "coco" || footage === undefined || error.status !== unreachable) {
      throw new InvalidInputError(error.message, { hint: error.hint });
    }
    progress.say(error.message, `The small weights are used instead. ${warning(footage)}`);
    return "small";
  }
}

function warning(footage: string): string {
  return `The small weights know generated scenes only: boxes that they find in ${footage} mean nothing.`;
}

/** SageMaker's limit for one run, in seconds. */
const longestRun = 3600;

/** Writes the local stack's settings for the COCO weights. */
export async function writeCocoSettings(to: string): Promise<void> {
  // The stack's scoreThreshold is for the small weights; 0.5 is the program's default.
  const settings = ["scoreThreshold=0.5", `invocationTimeout=${longestRun}`].map(parseSetting);
  const artifact = parseSetting(`modelArtifact=${relative(repoRoot, artifacts.coco)}`);
  await changeSettings(localSettings, to, [artifact, ...settings]);
}

/**
 * Seconds of processor time for a sampled frame of 1080p, measured on two shared cores. COCO: the network (model/README.md, "Working
 * resolution"), which scales every video to about the same size and uses all processors. Small: 0.1 s for the network and 0.1 s for
 * decoding, on one processor.
 */
const frameSeconds: Readonly<Record<WeightsName, number>> = { small: 0.2, coco: 5.4 };

/** Seconds for everything but the frames: the stack's start, an instance's start, the scale-in, and the end. */
const stackSeconds = 60;

/**
 * Estimates the duration of a run.
 * @param duration seconds of video, undefined if unknown
 * @param processors of this machine
 */
export function expectation(
  weights: WeightsName,
  duration: number | undefined,
  processors: number = availableParallelism(),
): string {
  const shared = weights === "coco" ? processors : 1;
  const each = frameSeconds[weights] / shared;
  const source =
    `${each.toFixed(1)} s a frame: ${frameSeconds[weights]} s of processor time, as measured on frames of 1080p on another machine ` +
    `(model/README.md), on ${shared} of this machine's processors`;
  if (duration === undefined) return `The video does not state its length. Expect one frame a second, ${source}.`;
  const frames = Math.max(1, Math.round(duration));
  const seconds = frames * each;
  const minutes = Math.ceil((seconds + stackSeconds) / 60);
  const late =
    weights === "coco" && seconds > longestRun
      ? `\nThat is more than ${longestRun / 60} minutes, the limit of one run: the result will end before the video does. Cut the video.`
      : "";
  return (
    `Expected: about ${minutes} ${minutes === 1 ? "minute" : "minutes"}. ${frames} ${frames === 1 ? "frame" : "frames"}, one a second, ` +
    `${source}; and a minute for the stack.${late}`
  );
}
