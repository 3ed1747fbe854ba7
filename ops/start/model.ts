/** Runs Python commands of `model/` in its environment: packages the artifact, annotates a video. */
import { join } from "node:path";
import { z } from "zod";
import { childEnvironment } from "../../lib/child-environment.ts";
import { QuotedError } from "../../lib/errors.ts";
import { lastLine, run } from "../../lib/child-process.ts";
import { repoRoot, servingPython } from "../../tools/paths.mjs";

/** A Python command of `model/` failed. The message is the last line of its output. */
export class ModelCommandError extends QuotedError {
  override readonly name = "ModelCommandError";
  /** Exit status of the Python command. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

/** Weights that the local stack can be deployed with. */
export const weightsNames = ["small", "coco"] as const;
/** Name of a set of weights. */
export type WeightsName = (typeof weightsNames)[number];

/** Path of the artifact in Pulumi.local.yaml. */
export const localArtifact = join(repoRoot, "model", "dist", "model.tar.gz");

/** Artifact's file by weights; `npm run package:coco` writes the same file. */
export const artifacts: Readonly<Record<WeightsName, string>> = {
  small: localArtifact,
  coco: join(repoRoot, "model", "dist", "coco", "model.tar.gz"),
};

/** Exit status of model/package.py if the COCO weights cannot be downloaded. */
export const unreachable = 3;

/** Variables for the download of weights: proxies, certificates, and another hub. */
const downloadVariables = [
  ...["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"],
  "ASYNC_VIDEO_INFERENCE_HUB",
];

const annotationSchema = z.object({ movie: z.string(), animation: z.string() });
/** Paths of the annotated video and of the animation of its sampled frames. */
export type Annotation = Readonly<z.infer<typeof annotationSchema>>;

/** A drawing in a process that runs in the background. Disposing of it ends the process. */
export interface Drawing extends AsyncDisposable {
  /** Rejects with {@link ModelCommandError} if it fails. */
  readonly finished: Promise<Annotation>;
}

/** Options of a build. */
export interface PackageOptions {
  /** @default small */
  readonly weights?: WeightsName;
  /** Receives the progress of the download. */
  readonly onLine?: (line: string) => void;
  /** Folder that keeps the COCO weights. @default model/dist/weights */
  readonly cache?: string;
}

/**
 * Builds model.tar.gz. Downloads the COCO weights if they are needed and not in the cache.
 * @throws ModelCommandError with the exit status {@link unreachable} if they cannot be downloaded
 */
export async function packageModel(
  signal: AbortSignal,
  { weights = "small", onLine, cache }: PackageOptions = {},
): Promise<void> {
  const args = ["--weights", weights, "--out", artifacts[weights], ...(cache === undefined ? [] : ["--cache", cache])];
  await runPython(["model/package.py", ...args], signal, {
    variables: downloadVariables,
    ...(onLine === undefined ? {} : { onLine }),
  });
}

const probeSchema = z.object({ duration: z.number().nullable() });

/**
 * Opens a video as the handler does. Returns its duration in seconds, if its container states one.
 * @throws ModelCommandError if the handler would reject the video
 */
export async function durationOf(video: string, signal: AbortSignal): Promise<number | undefined> {
  return probeSchema.parse(JSON.parse(await runPython(["model/probe.py", video], signal))).duration ?? undefined;
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

/** Time limit of a command in milliseconds. The download of the weights takes the longest. */
const pythonLimit = 45 * 60_000;

/** Options of a command. */
interface RunOptions {
  /** Environment variables that it needs in addition to those of every child. */
  readonly variables?: readonly string[];
  /** Receives each line of its standard error. */
  readonly onLine?: (line: string) => void;
}

async function runPython(
  args: readonly string[],
  signal: AbortSignal,
  { variables = [], onLine }: RunOptions = {},
): Promise<string> {
  const program = args[0] ?? "python";
  const { status, stdout, stderr, timedOut } = await run([servingPython, ...args], {
    cwd: repoRoot,
    env: childEnvironment(process.env, variables),
    signal,
    limit: pythonLimit,
    ...(onLine === undefined ? {} : { onError: onLine }),
  });
  if (timedOut) throw new ModelCommandError(`${program} took more than ${pythonLimit / 60_000} minutes`);
  if (status !== 0)
    throw new ModelCommandError(lastLine(stderr) ?? `${program} ended with exit status ${status}`, status);
  return stdout;
}
