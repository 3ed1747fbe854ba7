/** The environment of the serving container: the model server's limits and the handler's parameters. */
import type { Server } from "./serving-image.ts";

/** Options for the environment. */
export interface ServingSettings extends ServingLimits {
  /** Refuse to load without a GPU that CUDA can use. */
  readonly requireGpu: boolean;
  /** Locations of the videos that requests may refer to. @default none: requests contain their videos */
  readonly sources?: ReferredSources | undefined;
}

/** Locations of the videos that requests may refer to. */
export interface ReferredSources {
  /** s3:// prefixes. */
  readonly locations: readonly string[];
  /** Region of the stack. */
  readonly region: string;
}

/** Limits of a request, and parameters of the detection. */
export interface ServingLimits {
  /** Number of concurrent invocations per instance. */
  readonly maxConcurrency: number;
  /** Maximum processing time of an invocation, seconds. */
  readonly invocationTimeout: number;
  /** Maximum size of a request's body, MiB. */
  readonly maxRequestSize: number;
  /** Maximum size of a result, MiB. */
  readonly maxResponseSize: number;
  /** Frame rate at which the model samples a video, frames per second. */
  readonly sampleFps: number;
  /** Minimum score of the detections in a result. */
  readonly scoreThreshold: number;
}

const mebibyte = 1024 * 1024;

/** Maximum time to load the model in a worker, seconds. */
const workerStartupTimeout = 600;

/** Maximum time until a container passes its health check, seconds: a worker's start-up, and the server's own. */
export const containerStartupTimeout = 900;

/** MiB of heap, and of direct memory, that are enough for TorchServe with small bodies. */
const baseMemory = 256;

/** Returns the variables for an image with this server. */
export function containerEnvironment(settings: ServingSettings, server: Server): Record<string, string> {
  return {
    // By default TorchServe starts one worker per GPU, and the artifact's deployment.py one replica in Ray Serve. A second
    // concurrent invocation would only wait inside the server.
    SAGEMAKER_MODEL_SERVER_WORKERS: String(settings.maxConcurrency),
    ...(server === "ray" ? rayServe(settings) : torchServe(settings)),
    // The handler stops earlier: no request header tells a worker its deadline.
    INVOCATION_TIMEOUT: String(settings.invocationTimeout),
    SAMPLE_FPS: String(settings.sampleFps),
    SCORE_THRESHOLD: String(settings.scoreThreshold),
    ...(settings.requireGpu ? { REQUIRE_GPU: "1" } : {}),
    ...(settings.sources === undefined ? {} : sourceVariables(settings.sources)),
  };
}

/** Returns the handler's variable (`model/video_inference/allowed_sources.py`), and boto3's: boto3 ignores AWS_REGION (boto3 guide, "Configuration"). */
function sourceVariables({ locations, region }: ReferredSources): Record<string, string> {
  return { ALLOWED_SOURCES: locations.join(","), AWS_DEFAULT_REGION: region };
}

/**
 * Must not contain `SAGEMAKER_TS_{BATCH_SIZE,MAX_BATCH_DELAY,MIN_WORKERS,MAX_WORKERS}`. With any of them the toolkit
 * writes a model entry with a response timeout of 60 s.
 */
function torchServe(limits: ServingLimits): Record<string, string> {
  const timeout = String(limits.invocationTimeout);
  const memory = serverMemory(limits);
  return {
    // The toolkit documents the first, but 2.0.25 ignores it. TorchServe reads the second.
    SAGEMAKER_MODEL_SERVER_TIMEOUT: timeout,
    TS_DEFAULT_RESPONSE_TIMEOUT: timeout,
    // Maximum time to load the model in a worker, seconds. TorchServe's default of 120 is short for a first start of CUDA with a large model.
    TS_DEFAULT_STARTUP_TIMEOUT: String(workerStartupTimeout),
    // Registering a model runs its code. The toolkit's file would open that API to anyone, and only a missing newline
    // in 2.0.25 prevents it. The environment overrides the file (TorchServe documentation, "Model API Control", "Configuration").
    TS_ENABLE_MODEL_API: "false",
    TS_MAX_REQUEST_SIZE: String(limits.maxRequestSize * mebibyte),
    TS_MAX_RESPONSE_SIZE: String(limits.maxResponseSize * mebibyte),
    JAVA_TOOL_OPTIONS: `-Xmx${memory}m -XX:MaxDirectMemorySize=${memory}m`,
  };
}

/** Neither Ray Serve nor AWS's adapter in front of it limits sizes. The adapter's default timeout is 300 s. */
function rayServe(limits: ServingLimits): Record<string, string> {
  return { RAYSERVE_BACKEND_TIMEOUT: String(limits.invocationTimeout) };
}

/**
 * Returns the MiB of heap, and the same amount of direct memory, for the Java server. It holds every request and response in flight
 * twice in each of the two. Tested with TorchServe 0.12.0 and full-size bodies on every worker at the same time (2 of 256 MiB in and
 * 64 out, 2 of 64 in and 192 out, 6 of 32 in and out): with this all pass; with half of either, workers die with status 507.
 */
export function serverMemory(
  limits: Pick<ServingLimits, "maxConcurrency" | "maxRequestSize" | "maxResponseSize">,
): number {
  return baseMemory + 2 * limits.maxConcurrency * (limits.maxRequestSize + limits.maxResponseSize);
}
