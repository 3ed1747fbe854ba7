/**
 * Reads a video's duration and keyframes from its container by range reads, so that a long video can be cut into parts
 * (docs/decisions/0048-videos-in-parts.md).
 */
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { codeOf, explain } from "../../../lib/errors.ts";
import type { ByteSource } from "./byte-source.ts";
import type { ProbeAnswer, ProbeMessage } from "./probe-messages.ts";

/** Times of a video, seconds from its first shown frame. */
export interface VideoTimes {
  /** Null if the container does not tell. */
  readonly duration: number | null;
  /**
   * For each requested time, in their order, the last keyframe that is not later; empty if the container does not tell.
   */
  readonly keyframes: readonly number[];
  /** Why a value is unknown, in one line; undefined if none is. */
  readonly problem: string | undefined;
  /** Number of bytes that were read. */
  readonly bytesRead: number;
}

/** Options for {@link probeVideo}. */
export interface ProbeOptions {
  /** Returns the times near which keyframes are needed, seconds, for a duration. */
  readonly timesOf: (duration: number) => readonly number[];
  /** Real seconds for the whole probe. @default 30 */
  readonly limitSeconds?: number | undefined;
  /** Maximum number of bytes to read. @default 64 MiB */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Default time limit: the index of a file of hours needs a few seconds of reads from S3. */
const defaultLimitSeconds = 30;

/**
 * Default maximum number of bytes: more than the index of a day of video. A Matroska file without an index has to be
 * read whole; its duration stays unknown.
 */
const defaultMaxBytes = 64 * 1024 ** 2;

/** Maximum size of the thread's heap, MiB: a damaged index must not exhaust the memory. The bytes are outside of it. */
const maxHeapMib = 256;

/** The entry point is compiled to JavaScript in the client's package. */
const threadFile = new URL(`./probe-thread${extname(import.meta.filename)}`, import.meta.url);

/**
 * Reads the duration, and the keyframes near the times that `timesOf` returns. Damaged containers, failed reads and the
 * limits leave values unknown: `problem` tells why.
 * @throws AbortError on the caller's signal
 */
export async function probeVideo(source: ByteSource, options: ProbeOptions): Promise<VideoTimes> {
  options.signal?.throwIfAborted();
  const { limitSeconds = defaultLimitSeconds, maxBytes = defaultMaxBytes, timesOf, signal } = options;
  const reading = new AbortController();
  const resourceLimits = { maxOldGenerationSizeMb: maxHeapMib };
  const worker = new Worker(threadFile, { workerData: source.bytes, stdout: true, stderr: true, resourceLimits });
  let duration: number | null = null;
  let keyframes: readonly number[] = [];
  let bytesRead = 0;
  const ended = Promise.withResolvers<string | undefined>();
  const answer = (message: ProbeAnswer, transfer: readonly ArrayBuffer[] = []): void => {
    worker.postMessage(message, transfer);
  };
  const read = async (id: number, from: number, to: number): Promise<void> => {
    bytesRead += to - from;
    if (bytesRead > maxBytes) {
      ended.resolve(`its index needs more than ${maxBytes / 1024 ** 2} MiB of reads`);
      return;
    }
    const bytes = await source.read(from, to, reading.signal);
    answer({ kind: "bytes", id, bytes }, [bytes.buffer]);
  };
  worker.on("message", (message: ProbeMessage) => {
    switch (message.kind) {
      case "read":
        read(message.id, message.from, message.to).catch((error: unknown) => {
          if (codeOf(error) !== "PreconditionFailed") {
            ended.resolve(explain(error));
            return;
          }
          // The values so far may be those of another version.
          duration = null;
          keyframes = [];
          ended.resolve("the object changed while it was read");
        });
        break;
      case "duration":
        duration = knownDuration(message.seconds);
        if (duration === null) ended.resolve("its container states none");
        else answer({ kind: "times", times: timesOf(duration) });
        break;
      case "keyframes":
        keyframes = message.times;
        ended.resolve(undefined);
        break;
      case "failed":
        ended.resolve(message.problem.replace(/\.$/, ""));
        break;
    }
  });
  worker.on("error", (error) => {
    ended.resolve(explain(error));
  });
  worker.on("exit", () => {
    ended.resolve("its reader ended early");
  });
  const timer = setTimeout(() => {
    ended.resolve(`its container was not read within ${limitSeconds} s`);
  }, limitSeconds * 1000);
  const abort = (): void => {
    ended.reject(signal?.reason instanceof Error ? signal.reason : new Error("The probe was ended."));
  };
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const problem = await ended.promise;
    return { duration, keyframes, problem, bytesRead };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    reading.abort();
    await worker.terminate();
  }
}

/** Refuses durations that damaged containers state. */
function knownDuration(duration: number): number | null {
  return Number.isFinite(duration) && duration > 0 ? duration : null;
}
