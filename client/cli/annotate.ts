/** Draws a result's boxes on its video, by the model room's own program, run as a process: this room imports no other. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { z } from "zod";
import { childEnvironment } from "../../lib/child-environment.ts";
import { codeOf, SetupError } from "../src/errors.ts";
import { parseS3Uri } from "../src/location.ts";
import type { Stack } from "../src/stack.ts";
import type { Job } from "../src/submit.ts";
import { InputError } from "../src/video-file.ts";

/** The project's root, where model/ and tools/ are. */
const projectRoot = path.join(import.meta.dirname, "..", "..");

/** Paths of the annotated video and of the animation of its sampled frames. */
const filesSchema = z.object({ movie: z.string(), animation: z.string() });

/** What was drawn. */
export type AnnotatedFiles = Readonly<z.infer<typeof filesSchema>>;

/** Milliseconds that drawing may take: a hostile video must not hold the caller up. */
const DRAW_LIMIT_MS = 30 * 60_000;

/**
 * Brings the job's video down from its input location and draws the result's boxes on it, into `folder`; the video itself is
 * removed again.
 * @throws InputError if the video is not there any more; SetupError if the program or its environment cannot do it
 */
export async function annotate(
  stack: Stack,
  job: Job,
  result: string,
  folder: string,
  signal: AbortSignal,
  limitMs = DRAW_LIMIT_MS,
): Promise<AnnotatedFiles> {
  // Beside the output, which has room for a video: a temporary folder may be in memory.
  const draft = await mkdtemp(path.join(path.resolve(folder), ".video-"));
  try {
    const video = path.join(draft, `video${path.extname(job.inputLocation)}`);
    await download(stack, job.inputLocation, video, signal);
    return await draw(
      ["--video", video, "--result", path.resolve(result), "--out", path.resolve(folder)],
      signal,
      limitMs,
    );
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function download(stack: Stack, uri: string, file: string, signal: AbortSignal): Promise<void> {
  try {
    const { Body } = await stack.s3.send(new GetObjectCommand(parseS3Uri(uri)), { abortSignal: signal });
    if (Body === undefined) throw new InputError(`S3 answered nothing for ${uri}.`);
    // In Node the SDK's body is Node's own stream.
    await pipeline(Body as Readable, createWriteStream(file), { signal });
  } catch (error) {
    if (codeOf(error) !== "NoSuchKey") throw error;
    throw new InputError(`The video ${uri} is not there any more, so nothing can be drawn on it.`);
  }
}

/** Where the Python environment is (`tools/paths.mjs`). */
const cacheVariables = ["ASYNC_VIDEO_INFERENCE_CACHE", "XDG_CACHE_HOME"];

async function draw(args: readonly string[], signal: AbortSignal, limitMs: number): Promise<AnnotatedFiles> {
  const program = [path.join("tools", "python.mjs"), path.join("model", "annotate.py"), ...args, "--json"];
  // It runs FFmpeg's decoders on a video that may be hostile.
  const env = childEnvironment(process.env, cacheVariables);
  const child = spawn(process.execPath, program, {
    cwd: projectRoot,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
  });
  const end = (): void => {
    child.kill("SIGTERM");
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    const closed = once(child, "close").then(([status]) => status as number | null);
    const [answer, errors, status] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    signal.throwIfAborted();
    // Only the limit ends the program besides the signal: python.mjs then ends with the signal's number.
    if (status === 128 + constants.signals.SIGTERM) {
      throw new SetupError(`The video cannot be annotated: drawing took more than ${limitMs / 1000} s.`);
    }
    if (status !== 0) {
      throw new SetupError(
        `The video cannot be annotated: ${errors.trim().split("\n").at(-1) ?? "no reason was given"}`,
      );
    }
    return filesSchema.parse(JSON.parse(answer));
  } finally {
    signal.removeEventListener("abort", end);
  }
}
