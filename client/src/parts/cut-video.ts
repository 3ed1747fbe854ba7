/** Decides whether a video is sent as one request or in parts. */
import { checkOpenFile, openVideo } from "../video-file.ts";
import { SetupError } from "../errors.ts";
import { plural } from "../format.ts";
import { partIdOf } from "../job-record.ts";
import { headObject, parseS3Uri } from "../s3-objects.ts";
import { maxInputBytesOf } from "../limits.ts";
import { fileSource, s3Source } from "../media/byte-source.ts";
import { probeVideo } from "../media/probe.ts";
import type { ProbeOptions, VideoTimes } from "../media/probe.ts";
import type { StackOutputs } from "../outputs.ts";
import type { FoundVideo } from "../find-videos.ts";
import type { Stack } from "../stack.ts";
import { newInferenceId } from "../submit.ts";
import { isS3 } from "../submit-all.ts";
import type { Submission } from "../submit-all.ts";
import { cutTimes, partsOf } from "./cut-times.ts";

/** Processing time of a part, seconds, if the length of parts is not given. */
const processingSeconds = 600;

/**
 * Assumed seconds of processing for one analysed frame, with the frames that are decoded for it. A GPU needs about
 * 0.03 s for the network; decoding takes longer in videos with few keyframes.
 */
const secondsPerFrame = 0.1;

/** Minimum length of a part that is not given, seconds. */
const minPartSeconds = 60;

/** Smaller videos are not cut unless a length of parts is given: 64 MiB are about nine minutes at 1 Mb/s. */
const minBytes = 64 * 1024 ** 2;

/** Options for {@link cutVideo}. */
export interface CutOptions {
  /** Wanted length of a part, seconds. @default about ten minutes of processing */
  readonly partSeconds?: number | undefined;
  /** Analysed frames per second of video. @default that of the stack */
  readonly fps?: number | undefined;
  /** Time limit of one run, seconds. */
  readonly timeoutSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** The requests for a video. */
export interface CutVideo {
  readonly submissions: readonly Pick<Submission, "video" | "inferenceId" | "part">[];
  /** Job id; undefined for one request. */
  readonly job?: string;
  /** Decision, for the user, without the video's name; undefined for a short video as one request. */
  readonly notice: string | undefined;
}

/**
 * Returns the requests for a video: one for each part, or one for the whole. A video stays whole if its duration is
 * unknown, and if the stack's requests do not refer to videos, or have no records.
 * @throws InputError if the video cannot be read; SetupError if it may be cut and its frame rate is unknown; AbortError
 * on the caller's signal
 */
export async function cutVideo(stack: Stack, { video, bytes }: FoundVideo, options: CutOptions): Promise<CutVideo> {
  const { timeoutSeconds, signal } = options;
  const whole = { submissions: [{ video }], notice: undefined };
  const { requests, jobsLocation } = stack.outputs;
  if (requests !== "reference" || jobsLocation === undefined) return whole;
  if (options.partSeconds === undefined && bytes < minBytes) return whole;
  const fps = options.fps ?? deployedFps(stack.outputs);
  const partSeconds = options.partSeconds ?? estimatedPartSeconds(fps, timeoutSeconds);
  const timesOf = (duration: number): readonly number[] => cutTimes({ duration, partSeconds, fps });
  const { duration, keyframes, problem } = await timesIn(stack, video, { timesOf, signal });
  if (duration === null) {
    return {
      ...whole,
      notice: `sent as one request, because its duration is unknown: ${problem ?? "no reason"}`,
    };
  }
  const parts = partsOf(timesOf(duration), keyframes);
  if (parts.length === 1) return whole;
  const job = newInferenceId();
  const from = options.partSeconds === undefined ? `; ${estimateText(fps)}` : "";
  const withoutKeyframes = problem === undefined ? "" : `, cut without keyframes: ${problem}`;
  return {
    job,
    submissions: parts.map((part, number) => ({
      video,
      inferenceId: partIdOf(job, number),
      part: { job, number, ...part },
    })),
    notice: `in ${plural(parts.length, "part")} of about ${lengthText(duration / parts.length)}${from}${withoutKeyframes}`,
  };
}

/** Returns the frame rate of jobs without one. Another one would make parts longer than the time limit, or empty. */
function deployedFps({ sampleFps }: Pick<StackOutputs, "sampleFps">): number {
  if (sampleFps !== undefined) return sampleFps;
  throw new SetupError(
    "The stack's outputs have no sampleFps, so the length of a long video's parts cannot be estimated: deploy the stack with this version of the program, or give the frame rate (--fps).",
  );
}

/** Returns the length of parts that take about ten minutes, and up to half of the time limit, seconds. */
export function estimatedPartSeconds(fps: number, timeoutSeconds: number): number {
  const seconds = Math.min(processingSeconds, timeoutSeconds / 2) / (secondsPerFrame * fps);
  return Math.max(minPartSeconds, seconds);
}

/** Formats a length: `9.5 s`, `10.5 min`. */
function lengthText(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

function estimateText(fps: number): string {
  return `assuming ${secondsPerFrame} s of processing per frame at ${plural(fps, "frame")} per second; --part sets it`;
}

async function timesIn(stack: Stack, video: string, options: ProbeOptions): Promise<VideoTimes> {
  if (isS3(video)) {
    const head = await headObject(stack.s3, parseS3Uri(video), { signal: options.signal });
    if (typeof head === "string")
      return { duration: null, keyframes: [], problem: `the object is ${head}`, bytesRead: 0 };
    return await probeVideo(s3Source(stack.s3, { uri: video, ...head }), options);
  }
  await using handle = await openVideo(video);
  const bytes = await checkOpenFile(video, handle, maxInputBytesOf(stack.outputs));
  return await probeVideo(fileSource(handle, bytes), options);
}
