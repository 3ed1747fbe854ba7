/**
 * Draws a result's boxes on its video with the model's program, run as a process, because the client imports no other
 * module.
 */
import { createWriteStream } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
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

/** Output files of the drawing. */
export type AnnotatedFiles = Readonly<z.infer<typeof filesSchema>>;

/** Time limit for drawing, ms: a hostile video must not block the caller. */
const drawLimitMs = 30 * 60_000;

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
  signal: AbortSignal,
  limitMs = drawLimitMs,
): Promise<AnnotatedFiles> {
  // Any caller may write a record: it must not make this one read objects with their own rights.
  checkLocation(stack.outputs, job.inputLocation);
  // Next to the output, where a video fits: a temporary folder may be in memory.
  await using draft = await mkdtempDisposable(join(resolve(folder), ".video-"));
  const video = join(draft.path, `video${extname(job.inputLocation)}`);
  await download(stack, job.inputLocation, video, signal);
  return await draw(["--video", video, "--result", resolve(result), "--out", resolve(folder)], signal, limitMs);
}

async function download(stack: Stack, uri: string, file: string, signal: AbortSignal): Promise<void> {
  try {
    const { Body } = await stack.s3.send(new GetObjectCommand(parseS3Uri(uri)), { abortSignal: signal });
    if (Body === undefined) throw new InputError(`S3's answer for ${uri} has no body.`);
    // In Node the SDK's body is a stream of Node.
    await pipeline(Body as Readable, createWriteStream(file), { signal });
  } catch (error) {
    if (!["NoSuchKey", "NoSuchBucket"].includes(codeOf(error))) throw error;
    throw new InputError(`The video ${uri} no longer exists, so its boxes cannot be drawn.`);
  }
}

/** Path of the Python environment (`tools/paths.mjs`). */
const cacheVariables = ["ASYNC_VIDEO_INFERENCE_CACHE", "XDG_CACHE_HOME"];

async function draw(args: readonly string[], signal: AbortSignal, limitMs: number): Promise<AnnotatedFiles> {
  const program = [join("tools", "python.mjs"), join("model", "annotate.py"), ...args, "--json"];
  // It runs FFmpeg's decoders on a video that may be hostile.
  const env = childEnvironment(process.env, cacheVariables);
  const ended = await run([process.execPath, ...program], { cwd: projectRoot, env, limit: limitMs, signal });
  if (ended.timedOut) {
    throw new SetupError(`The video cannot be annotated: drawing took more than ${limitMs / 1000} s.`);
  }
  if (ended.status !== 0) {
    throw new SetupError(`The video cannot be annotated: ${lastLine(ended.stderr) ?? "no reason was given"}`);
  }
  return filesSchema.parse(JSON.parse(ended.stdout));
}
