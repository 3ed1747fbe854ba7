/** Fetches a finished job's result, checks it against the model's schema and summarises it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { ServiceAnswerError } from "./errors.ts";
import { maxResultBytesOf } from "./limits.ts";
import { read } from "./s3-objects.ts";
import type { Part } from "./parts/cut-times.ts";
import { textOf, valueOf } from "./result-body.ts";
import type { Stack } from "./stack.ts";
import type { Job } from "./submit.ts";

/** One object that was detected in one frame. */
export interface Detection {
  readonly label: string;
  /** COCO's category id. */
  readonly label_id: number;
  /** 0..1. */
  readonly score: number;
  /** x1, y1, x2, y2 in pixels of the displayed video. */
  readonly box: readonly [number, number, number, number];
  /** Mask, if it was requested: COCO run lengths of a part of the frame. */
  readonly mask?: {
    /** x, y of the part's upper left pixel in the displayed video. */
    readonly origin: readonly [number, number];
    /** Height and width of the part in pixels. */
    readonly size: readonly [number, number];
    readonly counts: string;
  };
}

/** Part of a video, seconds from the video's first frame. It owns the samples with from <= k/fps < to. */
export interface ResultPart {
  readonly from: number;
  /** Null for the end of the video. */
  readonly to: number | null;
}

/** The result of one video or of a part of it, as model/result.schema.json defines it. */
export interface VideoResult {
  /** Versions 1 and 2 are from older handlers: members that came with later versions are optional here. */
  readonly schema_version: 1 | 2 | 3;
  /** Notice about the model for everyone who sees the boxes. */
  readonly notice: string | null;
  /** The detector. */
  readonly handler?: {
    readonly version: string;
    readonly device: "cpu" | "cuda";
    readonly precision: "float32" | "float16";
    /** Versions of NVIDIA's driver and of CUDA; null without a GPU. */
    readonly driver?: string | null;
    readonly cuda?: string | null;
  };
  /** Part that the result covers; since version 3. A whole video is from 0 to null. */
  readonly part?: ResultPart;
  readonly model: { readonly name: string; readonly weights: string };
  readonly video: {
    /** Pixels of the first frame, as displayed. */
    readonly width: number;
    readonly height: number;
    /** Seconds, as the container states. */
    readonly duration: number | null;
    /** Degrees clockwise. */
    readonly rotation: 0 | 90 | 180 | 270;
    readonly codec: string;
    /** Index of the video stream in the file, from 0. */
    readonly track?: number;
    /** Seconds at which players show the first frame. */
    readonly start?: number;
    /** Unit of the frames' `pts` in seconds, such as "1/15360"; since version 3. */
    readonly time_base?: string;
    /** FFmpeg's name of the transfer characteristic, such as "smpte2084"; null if the file does not state it. */
    readonly transfer?: string | null;
  };
  readonly sampling: {
    readonly fps: number;
    readonly score_threshold: number;
    readonly masks?: "none" | "rle";
    /** Maximum length of a frame's longer side as the model sees it, pixels. */
    readonly max_side?: number | null;
  };
  /** The frames end before the end that the file states or, in a part, before the end of the part. */
  readonly truncated: boolean;
  /** Reason of the early end; null if there is none. */
  readonly truncation?: {
    readonly reason: "damage" | "end-of-data" | "deadline";
    /** Seconds from the first frame: the time of the last frame that was reached. */
    readonly until: number;
  } | null;
  /** Damaged parts that could not be decoded and were skipped. */
  readonly damage?: {
    readonly packets: number;
    /** Spans without frames, in seconds from the first frame. Those of several parts may overlap. */
    readonly gaps: readonly { readonly from: number; readonly to: number }[];
  };
  /** Sampled frames in order of time. Only a part may have none. */
  readonly frames: readonly {
    /** Number of the sample on the whole video's grid: its target time is k/fps. Since version 3. */
    readonly k?: number;
    /** Time stamp of the frame in units of `video.time_base`. Since version 3. */
    readonly pts?: number;
    /** Number of the frame in the whole video; null if the part does not know it. */
    readonly index: number | null;
    /** Seconds from the first frame. */
    readonly timestamp: number;
    /** True if it is the frame nearest to its target time, or a keyframe taken in its place. */
    readonly sampled?: "exact" | "keyframe";
    readonly detections: readonly Detection[];
  }[];
  readonly timing: {
    readonly decode_seconds: number;
    readonly inference_seconds: number;
    readonly total_seconds: number;
  };
}

const schemaFile = join(import.meta.dirname, "..", "..", "model", "result.schema.json");

/** Compiles the model's schema to a check; takes a few milliseconds, so do it once. */
function resultCheck(file = schemaFile): ValidateFunction<VideoResult> {
  const schema = JSON.parse(readFileSync(file, "utf8")) as object;
  return new Ajv2020({ allErrors: false, strict: true, allowUnionTypes: true }).compile<VideoResult>(schema);
}

/**
 * Parses a result's text, a document or lines, and checks it: against the schema, and each detection against the size
 * of the frames.
 * @throws ServiceAnswerError if it is not JSON, incomplete or not valid by the schema, or has a detection outside the
 * frames
 */
export function parseResult(text: string, origin: string, check = resultCheck()): VideoResult {
  const value = valueOf(text, origin);
  if (check(value)) {
    checkDetections(value, origin);
    return value;
  }
  const issues = (check.errors ?? []).map(
    ({ instancePath, message }) => `${instancePath || "/"} ${message ?? "is wrong"}`,
  );
  throw new ServiceAnswerError(
    `The result at ${origin} does not match model/result.schema.json: ${issues.join("; ")}. Was it made by another version of the model?`,
  );
}

/**
 * Refuses a result whose boxes or masks are larger than the video's frames: JSON Schema cannot compare two values, and
 * readers allocate the size that a mask states.
 */
function checkDetections({ video, frames }: VideoResult, origin: string): void {
  for (const [frameNumber, { detections }] of frames.entries()) {
    for (const [number, { box, mask }] of detections.entries()) {
      const problem = isWithin(video, box) ? maskProblem(video, mask) : "box does not lie within the video's pictures";
      if (problem === undefined) continue;
      throw new ServiceAnswerError(
        `The result at ${origin} is not valid: /frames/${frameNumber}/detections/${number}: its ${problem}.`,
      );
    }
  }
}

/** Tells whether a box lies within the frames, to a pixel: boxes are scaled and rounded. */
function isWithin({ width, height }: VideoResult["video"], [left, top, right, bottom]: Detection["box"]): boolean {
  return left <= right && right <= width + 1 && top <= bottom && bottom <= height + 1;
}

function maskProblem(video: VideoResult["video"], mask: Detection["mask"]): string | undefined {
  if (mask === undefined) return undefined;
  const [x, y] = mask.origin;
  const [height, width] = mask.size;
  if (x + width > video.width || y + height > video.height) return "mask does not lie within the video's pictures";
  // Only the first run may be empty.
  return runsOf(mask.counts) > height * width + 1 ? "mask has more runs than pixels" : undefined;
}

/**
 * Returns the number of runs in a mask's counts: all characters of a number except its last have the sixth bit set (see
 * the schema).
 */
function runsOf(counts: string): number {
  let runs = 0;
  for (let index = 0; index < counts.length; index += 1) {
    if (((counts.charCodeAt(index) - 48) & 32) === 0) runs += 1;
  }
  return runs;
}

/**
 * Fetches a completed job's result.
 * @throws the SDK's NoSuchKey if the job is not completed, ServiceAnswerError if the result is larger than the stack's
 * `maxResponseSize` or is not valid
 */
export async function fetchResult(
  stack: Stack,
  job: Pick<Job, "outputLocation">,
  signal?: AbortSignal,
): Promise<VideoResult> {
  const bytes = await read(stack.s3, job.outputLocation, maxResultBytesOf(stack.outputs), signal);
  return parseResult(await textOf(bytes, job.outputLocation), job.outputLocation);
}

/** Summary of one result. */
export interface ResultSummary {
  readonly frames: number;
  readonly detections: number;
  /** Number of detections by label, the most frequent first. */
  readonly objects: Readonly<Record<string, number>>;
  /** Number of detections by minute of the video, from 0; only minutes with an analysed frame. */
  readonly minutes: readonly { readonly minute: number; readonly objects: Readonly<Record<string, number>> }[];
  readonly truncated: boolean;
  /** Of a video in parts: ranges that the time limit of their requests left out; absent if there are none. */
  readonly unprocessed?: readonly Part[];
  /** Damaged packets that were skipped. */
  readonly damagedPackets: number;
  readonly notice: string | null;
}

/** Summarises a result. */
export function summarize(result: VideoResult): ResultSummary {
  const counter = new ResultCounter();
  for (const frame of result.frames) counter.addFrame(frame);
  counter.addMembers(result);
  return counter.summary;
}

/** Counts a result frame by frame, without keeping it. */
export class ResultCounter {
  #frames = 0;
  #detections = 0;
  readonly #objects = new Map<string, number>();
  /** Counts by minute, in the order of the frames. */
  readonly #minutes = new Map<number, Map<string, number>>();
  #members: Partial<Pick<VideoResult, "truncated" | "damage" | "notice">> = {};

  /** Counts a frame. */
  addFrame({ timestamp, detections }: VideoResult["frames"][number]): void {
    const minute = Math.floor(timestamp / 60);
    const counts = this.#minutes.get(minute) ?? new Map<string, number>();
    this.#minutes.set(minute, counts);
    this.#frames += 1;
    this.#detections += detections.length;
    for (const { label } of detections) {
      for (const each of [counts, this.#objects]) each.set(label, (each.get(label) ?? 0) + 1);
    }
  }

  /** Notes the members that the summary repeats. */
  addMembers(members: Partial<Pick<VideoResult, "truncated" | "damage" | "notice">>): void {
    this.#members = { ...this.#members, ...members };
  }

  /** Returns the summary of what was counted. */
  get summary(): ResultSummary {
    const { truncated = false, damage, notice = null } = this.#members;
    return {
      frames: this.#frames,
      detections: this.#detections,
      objects: sorted(this.#objects),
      minutes: [...this.#minutes].map(([minute, counts]) => ({ minute, objects: sorted(counts) })),
      truncated,
      damagedPackets: damage?.packets ?? 0,
      notice,
    };
  }
}

function sorted(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)));
}
