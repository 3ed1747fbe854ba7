/** How the endpoint gets a video: by a reference to an object in S3, which the container reads, or as the body of the request. */
import { z } from "zod";
import { defaults } from "./defaults.ts";
import { settings } from "./setting-types.ts";
import { locationsOf } from "./source-buckets.ts";
import type { SourceBucket } from "./source-buckets.ts";

/** How the endpoint gets a video. */
export const requestModes = ["reference", "payload"] as const;

/** How the endpoint gets a video. */
export type RequestMode = (typeof requestModes)[number];

/** Maximum size of an object in S3, MiB: 10,000 parts of 5 GiB, 48.8 TiB (S3 user guide, "Amazon S3 multipart upload limits"). */
export const maxObjectSize = 10_000 * 5 * 1024;

/** The settings of the requests. */
export const requestSettings = {
  requests: z
    .enum(requestModes)
    .optional()
    .register(settings, { allowed: requestModes.join(" or "), example: "payload" })
    .describe(
      "How the endpoint gets a video: by `reference` to an object in S3, which the container reads in ranges, or as the `payload` of the request, up to 1 GiB. By default: `payload` with `networkIsolation`, or with `subnetIds` and no `s3Endpoint`; otherwise `reference`.",
    ),
  s3Endpoint: z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .default(defaults.s3Endpoint)
    .register(settings, { allowed: "true or false", example: true })
    .describe("True if `subnetIds` reach S3, for example by a gateway endpoint. The stack does not create one."),
};

/** Settings that determine the mode. */
export interface ModeSettings {
  readonly requests?: RequestMode | undefined;
  readonly networkIsolation: boolean;
  readonly subnetIds: readonly string[];
  readonly s3Endpoint: boolean;
}

/** Returns the chosen mode, or the default: by reference if the container can reach S3. */
export function requestModeOf({ requests, networkIsolation, subnetIds, s3Endpoint }: ModeSettings): RequestMode {
  if (requests !== undefined) return requests;
  return networkIsolation || (subnetIds.length > 0 && !s3Endpoint) ? "payload" : "reference";
}

/** Maximum length of a variable's value, characters (SageMaker API reference, ContainerDefinition, Environment). */
const maxVariableLength = 1024;

/** Maximum length of the stack's own location in the variable: S3 allows 63 characters for a bucket's name. */
const ownLocationLength = `s3://${"b".repeat(63)}/${defaults.inputPrefix},`.length;

/** Key prefixes of artifacts, job records, results and failures, which the handler refuses (`model/video_inference/allowed_sources.py`). */
const reservedPrefixes = [defaults.modelPrefix, defaults.jobPrefix, defaults.resultPrefix, defaults.failurePrefix];

/** Checks that the container's variable can contain the locations of source buckets, and that the handler accepts them. */
export function fitAllowedSources(sources: readonly SourceBucket[]): boolean {
  const isAccepted = sources.every(
    ({ prefix = "" }) =>
      !prefix.includes(",") && prefix === prefix.trim() && !reservedPrefixes.some((start) => prefix.startsWith(start)),
  );
  return isAccepted && ownLocationLength + locationsOf(sources).join(",").length <= maxVariableLength;
}

/** Valid values of `sourceBuckets` with requests by reference, for the error message. */
export const allowedSourcesRule = `source buckets whose prefixes have no comma, no space at either end, and do not start with ${reservedPrefixes.join(", ")}, with at most ${maxVariableLength - ownLocationLength} characters in all (otherwise set requests to payload)`;
