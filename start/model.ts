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

/** Builds model.tar.gz with the small model of the local stack. */
export async function packageModel(signal: AbortSignal): Promise<void> {
  await runPython(["model/package.py", "--out", localArtifact], signal);
}

/** Draws the result's boxes on the video: `annotated.mp4` and `annotated.gif` in `folder`, returned as paths. */
export async function annotate(
  video: string,
  result: string,
  folder: string,
  signal: AbortSignal,
): Promise<z.infer<typeof annotationSchema>> {
  const answer = await runPython(
    ["model/annotate.py", "--video", video, "--result", result, "--out", folder, "--json"],
    signal,
  );
  return annotationSchema.parse(JSON.parse(answer));
}

async function runPython(args: readonly string[], signal: AbortSignal): Promise<string> {
  const child = spawn(servingPython, args, { cwd: repoRoot, stdio: ["ignore", "pipe", "pipe"], signal });
  let out = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (error) => {
      reject(signal.aborted ? (signal.reason as Error) : error);
    });
    child.once("close", resolve);
  });
  signal.throwIfAborted();
  if (status !== 0) {
    throw new ModelCommandError(
      errors.trim().split("\n").at(-1) ?? `${args[0] ?? "python"} ended with exit status ${String(status)}`,
    );
  }
  return out;
}
