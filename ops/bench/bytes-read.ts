/** Measures the bytes that the handler reads of videos in S3, and the time that a large body takes, with `model/bench`. */
import { join } from "node:path";
import { z } from "zod";
import { lastLine, run } from "../../lib/child-process.ts";
import { repoRoot } from "../../tools/paths.mjs";

/** Time limit, ms: videos that do not exist are encoded, and TorchServe needs minutes for a body of 512 MiB. */
const limit = 30 * 60_000;

const readSchema = z.object({
  bytes_read_overhead: z.number(),
  bytes_read_share: z.number(),
  keyframe_bytes_read_share: z.number(),
  body_seconds_saved: z.number().optional(),
});

/** Figures of `python -m bench.ranges` (model/README.md); `body_seconds_saved` only with `body`. */
export type BytesRead = z.infer<typeof readSchema>;

/** Options for {@link measureBytesRead}. */
export interface BytesReadOptions {
  /** Length of the videos, seconds: a multiple of ten. */
  readonly videoSeconds: number;
  /** True to also measure a body of 512 MiB, which takes minutes. */
  readonly body: boolean;
  readonly signal: AbortSignal;
}

/**
 * Measures the bytes that parts read compared with one request, and those for few samples of 4K video.
 * @throws Error if the benchmark fails or takes longer than half an hour; the signal's reason after an abort
 */
export async function measureBytesRead({ videoSeconds, body, signal }: BytesReadOptions): Promise<BytesRead> {
  const python = join(repoRoot, "tools", "python.mjs");
  const args = ["-m", "bench.ranges", "--json", "--seconds", String(videoSeconds), ...(body ? ["--body"] : [])];
  const { status, stdout, stderr, timedOut } = await run([process.execPath, python, ...args], {
    cwd: join(repoRoot, "model"),
    limit,
    signal,
  });
  if (status !== 0) {
    const reason = timedOut ? `it took longer than ${limit / 60_000} minutes` : lastLine(stderr);
    throw new Error(
      `python -m bench.ranges ended with exit status ${status}: ${reason ?? "no message"}. Run it in model/ with "node ../tools/python.mjs -m bench.ranges".`,
    );
  }
  return readSchema.parse(JSON.parse(stdout));
}
