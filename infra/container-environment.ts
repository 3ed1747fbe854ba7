/** The environment of the serving container: the model server's limits and what the handler reads. */
import type { Server } from "./serving-image.ts";

/** What the environment is made from. */
export interface ServingSettings extends ServingLimits {
  /** Whether the handler refuses to load without a GPU that CUDA can use. */
  readonly requireGpu: boolean;
}

/** Limits of a request, and how the model looks at its video. */
export interface ServingLimits {
  /** Invocations at a time on an instance. */
  readonly maxConcurrency: number;
  /** Seconds that an invocation may take. */
  readonly invocationTimeout: number;
  /** MiB: the largest video. */
  readonly maxRequestSize: number;
  /** MiB: the largest result. */
  readonly maxResponseSize: number;
  /** Frames per second of video that the model looks at. */
  readonly sampleFps: number;
  /** Detections below this score are left out. */
  readonly scoreThreshold: number;
}

const mebibyte = 1024 * 1024;

/** Seconds that a worker may take to load the model. */
const workerStartupTimeout = 600;

/** Seconds that a container may take to pass its health check: a worker's start-up, and the server's own. */
export const containerStartupTimeout = 900;

/** MiB of heap, and of direct memory, that TorchServe runs in when bodies are small. */
const baseMemory = 256;

/** Variables for an image with this server. */
export function containerEnvironment(settings: ServingSettings, server: Server): Record<string, string> {
  return {
    // TorchServe starts one worker per GPU by itself, and the artifact's deployment.py one replica in Ray Serve: a second
    // invocation at a time would only wait inside the server.
    SAGEMAKER_MODEL_SERVER_WORKERS: String(settings.maxConcurrency),
    ...(server === "ray" ? rayServe(settings) : torchServe(settings)),
    // The handler stops before this is over: no header of a request tells a worker its deadline.
    INVOCATION_TIMEOUT: String(settings.invocationTimeout),
    SAMPLE_FPS: String(settings.sampleFps),
    SCORE_THRESHOLD: String(settings.scoreThreshold),
    ...(settings.requireGpu ? { REQUIRE_GPU: "1" } : {}),
  };
}

/**
 * `SAGEMAKER_TS_{BATCH_SIZE,MAX_BATCH_DELAY,MIN_WORKERS,MAX_WORKERS}` must not be among them: any of them makes the toolkit
 * write a model entry whose response timeout is 60 s.
 */
function torchServe(limits: ServingLimits): Record<string, string> {
  const timeout = String(limits.invocationTimeout);
  const memory = serverMemory(limits);
  return {
    // The toolkit documents the first and, in 2.0.25, loses it; TorchServe itself reads the second.
    SAGEMAKER_MODEL_SERVER_TIMEOUT: timeout,
    TS_DEFAULT_RESPONSE_TIMEOUT: timeout,
    // Seconds that a worker may take to load the model; TorchServe's own 120 are short for a first start of CUDA with a large model.
    TS_DEFAULT_STARTUP_TIMEOUT: String(workerStartupTimeout),
    // A model that is registered is code that runs. The toolkit's file enables that for anyone, but for a newline that it
    // forgets in 2.0.25; the environment wins over the file (TorchServe documentation, "Model API Control", "Configuration").
    TS_ENABLE_MODEL_API: "false",
    TS_MAX_REQUEST_SIZE: String(limits.maxRequestSize * mebibyte),
    TS_MAX_RESPONSE_SIZE: String(limits.maxResponseSize * mebibyte),
    JAVA_TOOL_OPTIONS: `-Xmx${memory}m -XX:MaxDirectMemorySize=${memory}m`,
  };
}

/** Neither Ray Serve nor the adapter before it limits sizes; the adapter waits for 300 s by itself. */
function rayServe(limits: ServingLimits): Record<string, string> {
  return { RAYSERVE_BACKEND_TIMEOUT: String(limits.invocationTimeout) };
}

/**
 * MiB of heap, and as much again of direct memory, that the Java server needs: it holds every request and response in flight
 * twice in each of the two. Tried with TorchServe 0.12.0 and full-size bodies on every worker at a time (2 of 256 MiB in and
 * 64 out, 2 of 64 in and 192 out, 6 of 32 in and out): with this all pass; with half of either, workers die with status 507.
 */
export function serverMemory(
  limits: Pick<ServingLimits, "maxConcurrency" | "maxRequestSize" | "maxResponseSize">,
): number {
  return baseMemory + 2 * limits.maxConcurrency * (limits.maxRequestSize + limits.maxResponseSize);
}
