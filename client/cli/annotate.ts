/**
 * Draws a result's boxes on its video with the model's program, run as a process, because the client imports no other
 * module.
 */
import { createWriteStream } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { constants } from "node:os";
import { extname, join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { z } from "zod";
import { childEnvironment } from "../../lib/child-environment.ts";
import { codeOf } from "../../lib/errors.ts";
import { lastLine, run } from "../../lib/child-process.ts";
import { InputError, SetupError } from "../src/errors.ts";
import { checkLocation } from "../src/allowed-sources.ts";
import { parseS3Uri } from "../src/s3-objects.ts";
import type { Stack } from "../src/stack.ts";
import type { Job } from "../src/submit.ts";

/** The project's root, with model/ and tools/. */
const projectRoot = join(import.meta.dirname, "..", "..");

/** Paths of the annotated video and of the animation of its sampled frames. */
const filesSchema = z.object({ movie: z.string(), animation: z.string() });

/** Progress of the annotation of one video. */
export interface AnnotateProgress {
  readonly step: "downloading" | "drawing on";
  readonly percent: number;
}

/** Options for {@link annotate}. */
export interface AnnotateOptions {
  readonly signal: AbortSignal;
  /** Called several times a second while the video is downloaded, and about once a second while it is drawn. */
  readonly onProgress?: ((progress: AnnotateProgress) => void) | undefined;
  /** Time limit for drawing without progress, ms. @default half an hour */
  readonly stallMs?: number | undefined;
}

/** Output files of the drawing. */
export type AnnotatedFiles = Readonly<z.infer<typeof filesSchema>>;

/**
 * Time limit for drawing without progress, ms: a hostile video must not block the caller. A video of hours may take
 * longer.
 */
const defaultStallMs = 30 * 60_000;

/**
 * Downloads the job's video from its input location and draws the result's boxes on it, into `folder`; then removes the
 * video.
 * @throws InputError if the video no longer exists, or is neither an input of the stack nor in a source bucket; SetupError if the program or its environment fails
 */
export async function annotate(
  stack: Stack,
  job: Job,
  result: string,
  folder: string,
  options: AnnotateOptions,
): Promise<AnnotatedFiles> {
  // Any caller may write a record: it must not make this one read objects with their own rights.
  checkLocation(stack.outputs, job.inputLocation);
  // Next to the output, where a video fits: a temporary folder may be in memory.
  await using draft = await mkdtempDisposable(join(resolve(folder), ".video-"));
  const video = join(draft.path, `video${extname(job.inputLocation)}`);
  await download(stack, job.inputLocation, video, options);
  return await draw(["--video", video, "--result", resolve(result), "--out", resolve(folder)], options);
}

async function download(
  stack: Stack,
  uri: string,
  file: string,
  { signal, onProgress }: AnnotateOptions,
): Promise<void> {
  try {
    const { Body, ContentLength } = await stack.s3.send(new GetObjectCommand(parseS3Uri(uri)), { abortSignal: signal });
    if (Body === undefined) throw new InputError(`S3's answer for ${uri} has no body.`);
    let loaded = 0;
    const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) {
        loaded += chunk.length;
        if (ContentLength !== undefined)
          onProgress?.({ step: "downloading", percent: percentOf(loaded, ContentLength) });
        yield chunk;
      }
    };
    // In Node the SDK's body is a stream of Node.
    await pipeline(Body as Readable, counted, createWriteStream(file), { signal });
  } catch (error) {
    if (!["NoSuchKey", "NoSuchBucket"].includes(codeOf(error))) throw error;
    throw new InputError(`The video ${uri} no longer exists, so its boxes cannot be drawn.`);
  }
}

function percentOf(loaded: number, total: number): number {
  return total === 0 ? 100 : Math.floor((100 * loaded) / total);
}

/** Path of the Python environment (`tools/paths.mjs`). */
const cacheVariables = ["ASYNC_VIDEO_INFERENCE_CACHE", "XDG_CACHE_HOME"];

/** Line of `model/annotate.py --progress`. */
const drawnLine = /^annotate\.py: (\d+\.\d+) % drawn$/;

async function draw(
  args: readonly string[],
  { signal, onProgress, stallMs = defaultStallMs }: AnnotateOptions,
): Promise<AnnotatedFiles> {
  const program = [join("tools", "python.mjs"), join("model", "annotate.py"), ...args, "--json", "--progress"];
  // It runs FFmpeg's decoders on a video that may be hostile.
  const env = childEnvironment(process.env, cacheVariables);
  const stalled = new AbortController();
  const timer = setTimeout(() => {
    stalled.abort();
  }, stallMs);
  let drawn = 0;
  const onError = (line: string): void => {
    const percent = Number(drawnLine.exec(line)?.[1]);
    // A hostile video may have endless frames at one percentage. NaN is another line.
    if (!(percent > drawn)) return;
    drawn = percent;
    timer.refresh();
    onProgress?.({ step: "drawing on", percent: Math.floor(percent) });
  };
  try {
    const { status, stdout, stderr } = await run([process.execPath, ...program], {
      cwd: projectRoot,
      env,
      // The time limit starts again with each progress.
      limit: undefined,
      signal: AbortSignal.any([signal, stalled.signal]),
      onError,
    });
    if (status !== 0) throw new SetupError(`The video cannot be annotated: ${reasonOf(status, stderr)}`);
    return filesSchema.parse(JSON.parse(stdout));
  } catch (error) {
    if (!stalled.signal.aborted || signal.aborted) throw error;
    throw new SetupError(`The video cannot be annotated: drawing made no progress for ${stallMs / 1000} s.`);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns the reason why the program failed, from its exit status and its standard error. */
function reasonOf(status: number, stderr: string): string {
  if (status === 128 + constants.signals.SIGKILL) {
    return "the system ended the program with SIGKILL, probably because memory ran out. Close other programs, or draw on a machine with more memory.";
  }
  const messages = stderr.split("\n").filter((line) => !drawnLine.test(line));
  return lastLine(messages.join("\n")) ?? `the program ended with exit status ${status} and gave no reason.`;
}
