/** Flags of submit and burst for the model's options: every option of the handler. */
import { z } from "zod";
import { wholeNumber } from "../command-line.ts";
import { customAttributesOf, encodings, problemsWith, resultFormats, samplings } from "../../src/model-options.ts";
import type { ResultFormat } from "../../src/model-options.ts";

const help = `  --fps N               frames to analyse per second of video, up to 1000 (default: as deployed)
  --score N             leave out detections with a lower score, 0..1 (default: as deployed)
  --sampling WAY        exact, or keyframe: a keyframe nearby instead of the exact frame, which is faster (default: exact)
  --masks               each object's mask, too
  --max-side PIXELS     longer side of a frame as the model sees it, 64..8192 (default: the model's limit)
  --format FORM         json, or ndjson: a line of JSON for each frame (default: json)
  --encoding WAY        identity, or gzip: compressed results in S3 (default: identity)
`;

function oneOf<const Values extends readonly [string, ...string[]]>(flag: string, values: Values) {
  return z.enum(values, { error: `--${flag} takes ${values.join(" or ")}` }).optional();
}

/** Makes the schema of a flag with the numbers that the option accepts. */
function numberFlag(flag: "fps" | "score") {
  return z.coerce
    .number({ error: `--${flag} takes a number` })
    .superRefine((value, context) => {
      for (const problem of problemsWith({ [flag]: value })) context.addIssue(`--${problem}`);
    })
    .optional();
}

/** Part of both commands' definitions. */
export const modelFlags = {
  help,
  options: {
    fps: { type: "string" },
    score: { type: "string" },
    sampling: { type: "string" },
    masks: { type: "boolean" },
    "max-side": { type: "string" },
    format: { type: "string" },
    encoding: { type: "string" },
  },
  flags: {
    fps: numberFlag("fps"),
    score: numberFlag("score"),
    sampling: oneOf("sampling", samplings),
    masks: z.boolean().default(false),
    "max-side": wholeNumber("max-side", "whole pixels", 64, 8192),
    format: oneOf("format", resultFormats),
    encoding: oneOf("encoding", encodings),
  },
} as const;

/** Options of the model from the flags. */
export interface ModelRequest {
  /** The options in the handler's grammar, if any are given. */
  readonly customAttributes: string | undefined;
  readonly format: ResultFormat | undefined;
}

/**
 * Reads the model's flags.
 * @throws SetupError if a number is out of its range
 */
export function modelRequestOf(given: z.infer<z.ZodObject<typeof modelFlags.flags>>): ModelRequest {
  const { "max-side": maxSide, format, ...options } = given;
  return { customAttributes: customAttributesOf({ ...options, maxSide }), format };
}
