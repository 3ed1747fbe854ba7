/** How often a job has been sent again, kept where every notification and every manifest has it: in its InferenceId. */
import { createHash } from "node:crypto";

/** InferenceIds have at most so many characters (API reference, InvokeEndpointAsync). */
const LONGEST = 64;
/** The most that a suffix takes. */
const SUFFIX = ".redrive-9999".length;

/** A job's name, and how often it has been sent again under it. */
export interface JobName {
  /** The InferenceId that it had first; shortened, with a hash, where the suffix would not fit. */
  readonly first: string;
  readonly times: number;
}

/** Takes an InferenceId apart. */
export function nameOf(inferenceId: string): JobName {
  const [, first = inferenceId, times = "0"] = /^(.+)\.redrive-([1-9]\d{0,3})$/s.exec(inferenceId) ?? [];
  return { first, times: Number(times) };
}

/** The InferenceId under which a job is sent again; always the same for the same one, so that a second attempt can be seen to be one. */
export function nextIdOf(inferenceId: string): string {
  const { first, times } = nameOf(inferenceId);
  return `${shortened(first)}.redrive-${times + 1}`;
}

function shortened(first: string): string {
  const room = LONGEST - SUFFIX;
  if (first.length <= room) return first;
  const hash = createHash("sha256").update(first).digest("hex").slice(0, 12);
  return `${first.slice(0, room - hash.length - 1)}-${hash}`;
}
