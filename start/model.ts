/** Runs the model room's own commands, in its Python environment: packaging the artifact, annotating a video. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";
import { repoRoot, servingPython } from "../tools/paths.mjs";

/** A command of the model room failed; the message is its own last line. */
export class ModelCommandError extends Error {
  override readonly name = "ModelCommandError";
}

/** Where Pulumi.local.yaml expects the artifact. */
export const localArtifact = join(repoRoot, "model", "dist", "model.tar.gz");

const annotationSchema = z.object({ movie: z.string(), animation: z.string() });
/** Paths of the annotated video and of the animation of its sampled frames. */
export type Annotation = Readonly<z.infer<typeof annotationSchema>>;

/** A drawing in a process that runs in the background. Disposing of it ends the process. */
export interface Drawing extends AsyncDisposable {
  /** Rejects with {@link ModelCommandError} if it fails. */
  readonly finished: Promise<Annotation>;
}

/** Builds model.tar.gz with the small model of the local stack. */
export async function packageModel(signal: AbortSignal): Promise<void> {
  await runPython(["model/package.py", "--out", localArtifact], signal);
}

/** Starts to draw the result's boxes on the video: `annotated.mp4` and `annotated.gif` in `folder`. */
export function startDrawing(video: string, result: string, folder: string, signal: AbortSignal): Drawing {
  const end = new AbortController();
  const args = ["model/annotate.py", "--video", video, "--result", result, "--out", folder, "--json"];
  const finished = runPython(args, AbortSignal.any([signal, end.signal])).then((answer) =>
    annotationSchema.parse(JSON.parse(answer)),
  );
  const settled = finished.then(
    () => undefined,
    () => undefined,
  );
  return {
    finished,
    async [Symbol.asyncDispose]() {
      end.abort();
      await settled;
    },
  };
}

/** Milliseconds that packing or drawing may take. */
const pythonLimit = 30 * 60_000;

async function runPython(args: readonly string[], stopped: AbortSignal): Promise<string> {
  const tooLate = AbortSignal.timeout(pythonLimit);
  const signal = AbortSignal.any([stopped, tooLate]);
  const stop = (): never => {
    stopped.throwIfAborted();
    throw new ModelCommandError(`${args[0] ?? "python"} took more than ${pythonLimit / 60_000} minutes`);
  };
  const child = spawn(servingPython, args, { cwd: repoRoot, stdio: ["ignore", "pipe", "pipe"], signal });
  let out = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).catch((error: unknown) => {
    if (signal.aborted) stop();
    throw error;
  });
  if (signal.aborted) stop();
  if (status !== 0) {
    throw new ModelCommandError(
      errors.trim().split("\n").at(-1) ?? `${args[0] ?? "python"} ended with exit status ${String(status)}`,
    );
  }
  return out;
}
