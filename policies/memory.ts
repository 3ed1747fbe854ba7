/** The policy on the memory of an endpoint's workers. */
import { endpointModels, productionTypes } from "./endpoint.ts";
import { instanceTypes } from "./instance-types.ts";
import type { InstanceType } from "./instance-types.ts";
import { stackPolicy } from "./policy.ts";
import { evaluateEach } from "./unknown.ts";

const gibibyte = 1024 ** 3;

/** Usable share of a host's and of a GPU's memory: 15.3 of ml.g4dn.xlarge's 16 GiB, 15 of a T4's 16. */
const usableShare = 0.94;

/** Used share of Java's memory limit: 6,550 of 9,728 MiB at the end, measured with two bodies of 1 GiB. */
const javaShare = 0.68;

/** Memory of Ray Serve's processes, GiB, measured. It limits no sizes, so a request may have SageMaker's maximum. */
const rayServe = { server: 0.8, request: 1 };

/** TorchServe's default limit of a request, bytes. */
const defaultRequestLimit = 6_553_500;

/** Workers that exceed the memory are killed during videos, or do not start. */
export const workersFitMemory = stackPolicy({
  name: "workers-fit-memory",
  description:
    "The model server and its workers, each with the largest video, should fit into the memory of the host and its GPUs. Otherwise workers are killed during videos.",
  enforcementLevel: "advisory",
  config: {
    hostPerWorker: {
      type: "number",
      minimum: 0,
      // CUDA's and cuDNN's libraries, PyTorch and the weights.
      default: 3,
      description: "Host memory of a worker without its request (GiB).",
    },
    gpuPerWorker: {
      type: "number",
      minimum: 0,
      // With float16 and batches of 8, the COCO model and frames of 1333 pixels (estimate: 3 to 4).
      default: 4,
      description: "GPU memory of a worker (GiB).",
    },
  },
  validate: (args, reportViolation) => {
    const needs = args.getConfig<Needs>();
    const { configurations, models } = endpointModels(args.resources);
    evaluateEach(configurations, reportViolation, (configuration) => {
      const model = models.of(configuration);
      const environment = model?.props.primaryContainer?.environment;
      if (model === undefined || environment === undefined) return;
      for (const { instanceType, at } of productionTypes(configuration.props)) {
        const memory = instanceTypes.get(instanceType);
        // Other policies report a type without a GPU or without a price.
        if (memory === undefined) continue;
        for (const lack of lacks(environment, memory, needs)) {
          reportViolation(
            `The endpoint configuration '${configuration.name}' runs the model '${model.name}' on ${instanceType} (${at}), ${lack}`,
            model.urn,
          );
        }
      }
    });
  },
});

interface Needs {
  readonly hostPerWorker: number;
  readonly gpuPerWorker: number;
}

/** Returns a message for each memory that is too small, with the remedy. */
function lacks(
  environment: Readonly<Record<string, string>>,
  { host, gpus, gpu }: InstanceType,
  needs: Needs,
): string[] {
  const workers = Number(environment["SAGEMAKER_MODEL_SERVER_WORKERS"] ?? gpus);
  const { server, request } = serverMemory(environment);
  const hostNeed = server + workers * (needs.hostPerWorker + request);
  // TorchServe and Ray Serve assign workers to GPUs in turn.
  const gpuNeed = Math.ceil(workers / gpus) * needs.gpuPerWorker;
  const remedy = (variable: string): string =>
    `Choose an instance type with more memory, or reduce ${variable} in the model's environment (the stack's `;
  return [
    ...(hostNeed > host * usableShare
      ? [
          `whose ${gib(host)} do not hold the ${gib(hostNeed)} of the server and ${workers} workers with the largest requests. ` +
            `${remedy("SAGEMAKER_MODEL_SERVER_WORKERS, TS_MAX_REQUEST_SIZE or JAVA_TOOL_OPTIONS")}settings maxConcurrency, maxRequestSize and maxResponseSize).`,
        ]
      : []),
    ...(gpuNeed > gpu * usableShare
      ? [
          `whose GPUs of ${gib(gpu)} do not hold the ${gib(gpuNeed)} of the workers that share one (${workers} on ${gpus}). ` +
            `${remedy("SAGEMAKER_MODEL_SERVER_WORKERS")}setting maxConcurrency).`,
        ]
      : []),
  ];
}

/** Returns the memory of the server's processes, and of the largest request that a worker holds, GiB. */
function serverMemory(environment: Readonly<Record<string, string>>): { server: number; request: number } {
  if (environment["RAYSERVE_BACKEND_TIMEOUT"] !== undefined) return rayServe;
  const options = environment["JAVA_TOOL_OPTIONS"] ?? "";
  const allowed = [/-Xmx(\d+)m/, /-XX:MaxDirectMemorySize=(\d+)m/]
    .map((option) => Number(option.exec(options)?.[1] ?? 0))
    .reduce((sum, mebibytes) => sum + mebibytes / 1024, 0);
  return {
    server: javaShare * allowed,
    request: Number(environment["TS_MAX_REQUEST_SIZE"] ?? defaultRequestLimit) / gibibyte,
  };
}

function gib(amount: number): string {
  return `${Number(amount.toFixed(1))} GiB`;
}
