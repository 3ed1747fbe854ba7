/** What a caller may ask of the model for one video, as the handler reads it from CustomAttributes. */
import { SetupError } from "./errors.ts";
import { InputError } from "./video-file.ts";

/** The ways to choose the frame for a sampled time. */
export const samplings = ["exact", "keyframe"] as const;

/** How the frame for a sampled time is chosen. */
export type Sampling = (typeof samplings)[number];

/** How the model is to look at one video; what is left out is as the model was deployed. */
export interface ModelOptions {
  /** Frames looked at per second of video, above 0. */
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
}

/**
 * The options in the handler's grammar, `fps=2;score=0.5;masks=rle`; undefined if there are none.
 * @throws SetupError if a number is out of its range
 */
export function customAttributesOf({ fps, score, sampling, masks }: ModelOptions): string | undefined {
  if (fps !== undefined && !(fps > 0 && fps < Infinity)) {
    throw new SetupError(`fps is ${fps}: it must be a number above 0, frames per second of video.`);
  }
  if (score !== undefined && !(score >= 0 && score <= 1)) {
    throw new SetupError(`score is ${score}: it must be a number from 0 to 1.`);
  }
  const parts = [
    ...(fps === undefined ? [] : [`fps=${fps}`]),
    ...(score === undefined ? [] : [`score=${score}`]),
    ...(sampling === undefined ? [] : [`sampling=${sampling}`]),
    ...(masks === true ? ["masks=rle"] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(";");
}

/**
 * The options with the run's time limit, which reaches the handler by no other way (SageMaker passes on CustomAttributes,
 * but not InvocationTimeoutSeconds). Options that have a shorter `timeout=` stay as they are.
 * @param timeoutSeconds whole seconds, 1..3600
 * @throws InputError if the options have a longer `timeout=`: SageMaker would give the run up before the handler does
 */
export function withTimeout(customAttributes: string | undefined, timeoutSeconds: number): string {
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
