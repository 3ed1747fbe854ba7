/** Options of the model for one video, as the handler reads them from CustomAttributes and Accept. */
import { InputError, SetupError } from "./errors.ts";
import { maxTimeoutSeconds } from "./limits.ts";

/** Ways to choose the frame for a sampled time. */
export const samplings = ["exact", "keyframe"] as const;

/** Way to choose the frame for a sampled time. */
export type Sampling = (typeof samplings)[number];

/** Compression of a result. */
export const encodings = ["identity", "gzip"] as const;

/** Compression of a result. */
export type Encoding = (typeof encodings)[number];

/** Formats of a result, with the media types that request them. */
const mediaTypes = { json: "application/json", ndjson: "application/x-ndjson" } as const;

/** Format of a result: one JSON document, or a line of JSON for each frame. */
export type ResultFormat = keyof typeof mediaTypes;

/** Formats of a result. */
export const resultFormats = ["json", "ndjson"] as const satisfies readonly ResultFormat[];

/** Ranges that the handler accepts: `video_inference/options.py`; `model-options.e2e.ts` compares them. */
const maxFps = 1000;
const sides = { min: 64, max: 8192 };

/** Options of the model for one video. An absent option has the deployed model's default. */
export interface ModelOptions {
  /** Analysed frames per second of video, above 0 and up to 1000. */
  readonly fps?: number | undefined;
  /** Detections with a lower score are left out, 0..1. */
  readonly score?: number | undefined;
  /**
   * `keyframe` takes a keyframe within half a sampling interval in place of the exact frame, which takes less decoding.
   * @default exact
   */
  readonly sampling?: Sampling | undefined;
  /** Requests each object's mask, as COCO RLE inside its box. */
  readonly masks?: boolean | undefined;
  /** Maximum length of a frame's longer side as the model sees it, pixels, if less than the model's limit, 64..8192. */
  readonly maxSide?: number | undefined;
  /** Compresses the result in S3. @default identity */
  readonly encoding?: Encoding | undefined;
}

/** Reports each number that is out of range. */
export function problemsWith({ fps, score, maxSide }: ModelOptions): readonly string[] {
  const problems: string[] = [];
  if (fps !== undefined && !(Number(decimal(fps)) > 0 && fps <= maxFps)) {
    problems.push(`fps is ${fps}: it must be a number above 0 and at most ${maxFps}, frames per second of video`);
  }
  if (score !== undefined && !(score >= 0 && score <= 1)) {
    problems.push(`score is ${score}: it must be a number from 0 to 1`);
  }
  if (maxSide !== undefined && !(Number.isInteger(maxSide) && maxSide >= sides.min && maxSide <= sides.max)) {
    problems.push(`max-side is ${maxSide}: it must be a whole number of pixels from ${sides.min} to ${sides.max}`);
  }
  return problems;
}

/**
 * Formats the options in the handler's grammar, `fps=2;score=0.5;masks=rle`; undefined if there are none.
 * @throws SetupError that names each number that is out of range
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

/** Formats a number for the handler: no exponent, up to 18 decimals. */
function decimal(value: number): string {
  const text = String(value);
  return /^\d{1,9}(\.\d{1,18})?$/.test(text) ? text : value.toFixed(18).replace(/\.?0+$/, "");
}

/** Returns the media type that requests a result in this format from the handler. */
export function acceptOf(format: ResultFormat = "json"): string {
  return mediaTypes[format];
}

/**
 * Adds the run's time limit to the options, the only way for it to reach the handler (SageMaker passes on
 * CustomAttributes, but not InvocationTimeoutSeconds). Options with a shorter `timeout=` are not changed.
 * @param timeoutSeconds whole seconds, 1..3600
 * @throws SetupError if it is anything else; InputError if the options have a longer `timeout=`: SageMaker would stop
 * the run before the handler does
 */
export function withTimeout(customAttributes: string | undefined, timeoutSeconds: number): string {
  if (!(Number.isInteger(timeoutSeconds) && timeoutSeconds >= 1 && timeoutSeconds <= maxTimeoutSeconds)) {
    throw new SetupError(`timeout is ${timeoutSeconds}: it must be whole seconds from 1 to ${maxTimeoutSeconds}.`);
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
