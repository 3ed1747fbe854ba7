/** What a caller may ask of the model for one video, as the handler reads it from CustomAttributes and Accept. */
import { SetupError } from "./errors.ts";
import { MAX_TIMEOUT_SECONDS } from "./limits.ts";
import { InputError } from "./video-file.ts";

/** The ways to choose the frame for a sampled time. */
export const samplings = ["exact", "keyframe"] as const;

/** How the frame for a sampled time is chosen. */
export type Sampling = (typeof samplings)[number];

/** Whether a result is compressed. */
export const encodings = ["identity", "gzip"] as const;

/** Whether a result is compressed. */
export type Encoding = (typeof encodings)[number];

/** The forms of a result, with the media types that ask for them. */
const mediaTypes = { json: "application/json", ndjson: "application/x-ndjson" } as const;

/** One JSON document, or a line of JSON for each frame. */
export type ResultFormat = keyof typeof mediaTypes;

/** The forms of a result. */
export const resultFormats = ["json", "ndjson"] as const satisfies readonly ResultFormat[];

/** The ranges that the handler takes: `video_inference/options.py`; `model-options.e2e.ts` compares them. */
const MAX_FPS = 1000;
const SIDES = { min: 64, max: 8192 };

/** How the model is to look at one video; what is left out is as the model was deployed. */
export interface ModelOptions {
  /** Frames looked at per second of video, above 0 and at most 1000. */
  readonly fps?: number | undefined;
  /** Detections with a lower score are left out, 0..1. */
  readonly score?: number | undefined;
  /**
   * `keyframe` takes a keyframe that is at most half a sampling interval away in place of the exact frame, which takes less
   * decoding.
   * @default exact
   */
  readonly sampling?: Sampling | undefined;
  /** Whether each object's mask is wanted, as COCO RLE inside its box. */
  readonly masks?: boolean | undefined;
  /** Pixels of a frame's longer side as the model sees it, if less than the model's own limit, 64..8192. */
  readonly maxSide?: number | undefined;
  /** Whether the result is compressed in S3. @default identity */
  readonly encoding?: Encoding | undefined;
}

/** Names each number that is out of its range. */
export function problemsWith({ fps, score, maxSide }: ModelOptions): readonly string[] {
  const problems: string[] = [];
  if (fps !== undefined && !(Number(decimal(fps)) > 0 && fps <= MAX_FPS)) {
    problems.push(`fps is ${fps}: it must be a number above 0 and at most ${MAX_FPS}, frames per second of video`);
  }
  if (score !== undefined && !(score >= 0 && score <= 1)) {
    problems.push(`score is ${score}: it must be a number from 0 to 1`);
  }
  if (maxSide !== undefined && !(Number.isInteger(maxSide) && maxSide >= SIDES.min && maxSide <= SIDES.max)) {
    problems.push(`max-side is ${maxSide}: it must be a whole number of pixels from ${SIDES.min} to ${SIDES.max}`);
  }
  return problems;
}

/**
 * The options in the handler's grammar, `fps=2;score=0.5;masks=rle`; undefined if there are none.
 * @throws SetupError that names each number that is out of its range
 */
export function customAttributesOf(options: ModelOptions): string | undefined {
  const { fps, score, sampling, masks, maxSide, encoding } = options;
  const problems = problemsWith(options);
  if (problems.length > 0) throw new SetupError(`${problems.join("; ")}.`);
  const parts = [
    ...(fps === undefined ? [] : [`fps=${decimal(fps)}`]),
    ...(score === undefined ? [] : [`score=${decimal(score)}`]),
    ...(sampling === undefined ? [] : [`sampling=${sampling}`]),
    ...(masks === true ? ["masks=rle"] : []),
    ...(maxSide === undefined ? [] : [`max_side=${maxSide}`]),
    ...(encoding === undefined ? [] : [`encoding=${encoding}`]),
  ];
  return parts.length === 0 ? undefined : parts.join(";");
}

/** A number as the handler reads it: no exponent, at most 18 decimals. */
function decimal(value: number): string {
  const text = String(value);
  return /^\d{1,9}(\.\d{1,18})?$/.test(text) ? text : value.toFixed(18).replace(/\.?0+$/, "");
}

/** The media type that asks the handler for a result in this form. */
export function acceptOf(format: ResultFormat = "json"): string {
  return mediaTypes[format];
}

/**
 * The options with the run's time limit, which reaches the handler by no other way (SageMaker passes on CustomAttributes,
 * but not InvocationTimeoutSeconds). Options that have a shorter `timeout=` stay as they are.
 * @param timeoutSeconds whole seconds, 1..3600
 * @throws SetupError if it is anything else; InputError if the options have a longer `timeout=`: SageMaker would give the run up
 * before the handler does
 */
export function withTimeout(customAttributes: string | undefined, timeoutSeconds: number): string {
  if (!(Number.isInteger(timeoutSeconds) && timeoutSeconds >= 1 && timeoutSeconds <= MAX_TIMEOUT_SECONDS)) {
    throw new SetupError(`timeout is ${timeoutSeconds}: it must be whole seconds from 1 to ${MAX_TIMEOUT_SECONDS}.`);
  }
  if (customAttributes === undefined || customAttributes.trim() === "") return `timeout=${timeoutSeconds}`;
  const [, own] = /(?:^|;)\s*timeout\s*=([^;]*)/.exec(customAttributes) ?? [];
  if (own === undefined) return `${customAttributes};timeout=${timeoutSeconds}`;
  if (Number(own) > timeoutSeconds) {
    throw new InputError(
      `The options ${JSON.stringify(customAttributes)} have a timeout longer than the run's ${timeoutSeconds} s: ` +
        `leave it out and set timeoutSeconds instead.`,
    );
  }
  return customAttributes;
}
