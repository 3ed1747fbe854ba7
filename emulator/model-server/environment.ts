/**
 * The environment of a model server: SageMaker's variables for a container, the Model's variables, and limits for a
 * small machine.
 */

import { join } from "node:path";

const mebibyte = 1024 * 1024;
// TorchServe's default of both size limits, bytes.
const defaultSizeLimit = 6_553_500;

/**
 * @param base the instance's folder, which replaces the container's /opt
 * @param asked the Model's Environment
 */
export function containerEnvironment(
  base: string,
  region: string,
  asked: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...commonEnvironment(base, region),
    // The image starts a worker per GPU, and the smallest GPU instance has one; TorchServe here would start one per CPU
    // core.
    SAGEMAKER_MODEL_SERVER_WORKERS: "1",
    JAVA_TOOL_OPTIONS: javaOptions(asked),
    ...relocatedValues(base, asked),
  };
}

/**
 * Returns the environment of a local command that stands for an image.
 * @param base the instance's folder, which replaces the container's /opt
 * @param socketPath the Unix socket that the command must listen on, instead of port 8080
 * @param asked the Model's Environment
 */
export function commandEnvironment(
  base: string,
  region: string,
  socketPath: string,
  asked: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...commonEnvironment(base, region),
    // The variables by which SageMaker's toolkits find the model (aws/sagemaker-inference-toolkit, environment.py).
    SAGEMAKER_BASE_DIR: join(base, "ml"),
    SM_MODEL_DIR: join(base, "ml", "model"),
    ...relocatedValues(base, asked),
    SAGEMAKER_BIND_TO_SOCKET: socketPath,
  };
}

function commonEnvironment(base: string, region: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: base,
    LANG: "C.UTF-8",
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    PYTHONUNBUFFERED: "1",
  };
}

function relocatedValues(base: string, asked: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(asked).map(([name, value]) => [name, relocated(base, value)]));
}

/**
 * Maps a path: a container has its model at /opt/ml/model, and values with that path must point to the instance's
 * folder.
 */
function relocated(base: string, value: string): string {
  return value === "/opt/ml" || value.startsWith("/opt/ml/") ? join(base, "ml", value.slice("/opt/ml".length)) : value;
}

/**
 * Returns Java's options. The heap may grow with the largest request and response (each is copied about twice), but
 * unused memory is returned; the quick compiler and the simple collector halve start-up and memory of a front end that
 * only passes bytes on.
 */
function javaOptions(asked: Readonly<Record<string, string>>): string {
  const limitOf = (name: string): number => {
    const bytes = Number(asked[name] ?? defaultSizeLimit);
    return Number.isFinite(bytes) && bytes > 0 ? bytes : defaultSizeLimit;
  };
  const bytes = 2 * (limitOf("TS_MAX_REQUEST_SIZE") + limitOf("TS_MAX_RESPONSE_SIZE"));
  const heap = Math.min(256 + Math.ceil(bytes / mebibyte), 4096);
  return `-Xmx${heap}m -XX:+UseSerialGC -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=30 -XX:TieredStopAtLevel=1`;
}
