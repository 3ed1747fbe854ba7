/** Counts how often a job has been sent again in its InferenceId, which every notification and every journal has. */
import { createHash } from "node:crypto";

/** Maximum length of an InferenceId, characters (API reference, InvokeEndpointAsync). */
const longest = 64;
/** Maximum length of a suffix, characters. */
const suffix = ".redrive-9999".length;

/** A job's name, and how often it has been sent again under it. */
export interface JobName {
  /** The original InferenceId; shortened, with a hash, if the suffix would not fit. */
  readonly first: string;
  readonly times: number;
}

/** Parses an InferenceId. */
export function nameOf(inferenceId: string): JobName {
  const [, first = inferenceId, times = "0"] = /^(.+)\.redrive-([1-9]\d{0,3})$/s.exec(inferenceId) ?? [];
  return { first, times: Number(times) };
}

/**
 * Returns the InferenceId under which a job is sent again. It is a function of the last one, so that a second attempt
 * is recognised.
 */
export function nextIdOf(inferenceId: string): string {
  return `${originalOf(inferenceId)}.redrive-${nameOf(inferenceId).times + 1}`;
}

/**
 * Returns the name that all attempts of a job have in common: the original InferenceId; shortened, with a hash, if a
 * suffix would not fit.
 */
export function originalOf(inferenceId: string): string {
  return shortened(nameOf(inferenceId).first);
}

function shortened(first: string): string {
  const room = longest - suffix;
  if (first.length <= room) return first;
  const hash = createHash("sha256").update(first).digest("hex").slice(0, 12);
  return `${first.slice(0, room - hash.length - 1)}-${hash}`;
}
