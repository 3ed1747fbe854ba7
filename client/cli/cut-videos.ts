/** Cuts long videos into parts for submit. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { SetupError } from "../src/errors.ts";
import { inParallel } from "../src/parallel.ts";
import { cutVideo } from "../src/parts/cut-video.ts";
import type { CutVideo } from "../src/parts/cut-video.ts";
import type { FoundVideo } from "../src/find-videos.ts";
import type { Session } from "./session.ts";

/**
 * Parses the length of a part, minutes.
 * @throws InvalidArgumentError if it is not a number from 0.01 to 1440
 */
export function partMinutes(text: string): number {
  const value = Number(text);
  if (!(value >= 0.01 && value <= 1440)) throw new InvalidArgumentError("takes minutes, from 0.01 to 1440");
  return value;
}

/** Number of videos whose containers are read at a time: each takes a thread. */
const cutsAtOnce = 4;

/** Options of the command line. */
interface CutFlags {
  /** Wanted length of a part, minutes. */
  readonly part?: number | undefined;
  readonly fps?: number | undefined;
  /** True if nothing is sent, so that no job gets an id. */
  readonly dryRun: boolean;
}

/** The requests for a video. */
interface VideoRequests extends FoundVideo {
  readonly requests: CutVideo["submissions"];
}

/**
 * Returns the requests for all videos, in their order, and tells which videos are sent in parts.
 * @throws SetupError if a length is given and the stack's requests contain their videos; as {@link cutVideo}
 */
export async function cutAll(
  videos: readonly FoundVideo[],
  { part, fps, dryRun }: CutFlags,
  timeoutSeconds: number,
  { stack, live, signal }: Session,
): Promise<readonly VideoRequests[]> {
  if (part !== undefined && stack.outputs.requests !== "reference") {
    throw new SetupError(
      "--part needs requests that refer to their videos, and the stack's contain them: set requests to reference and deploy, or leave out --part.",
    );
  }
  live.show("reading the durations of the videos", "new step");
  const partSeconds = part === undefined ? undefined : part * 60;
  const cuts = new Map<FoundVideo, CutVideo>();
  await inParallel(videos, cutsAtOnce, async (video) => {
    cuts.set(video, await cutVideo(stack, video, { partSeconds, fps, timeoutSeconds, signal }));
  });
  return videos.map((video) => {
    const { submissions = [], notice, job } = cuts.get(video) ?? {};
    const name = job === undefined || dryRun ? "" : `job ${job} `;
    if (notice !== undefined) live.say(`${video.video}: ${name}${notice}`);
    return { ...video, requests: submissions };
  });
}
