/** Measures how much sooner a video in parts ends on four warm instances of the emulator, with a model that sleeps. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UpdateEndpointWeightsAndCapacitiesCommand } from "@aws-sdk/client-sagemaker";
import { create } from "tar";
import { z } from "zod";
import { waitForInstances } from "../../client/src/capacity.ts";
import { partIdOf } from "../../client/src/job-record.ts";
import { read } from "../../client/src/s3-objects.ts";
import { checkOutputs } from "../../client/src/outputs.ts";
import { cutTimes, partsOf } from "../../client/src/parts/cut-times.ts";
import { connect } from "../../client/src/stack.ts";
import type { Stack } from "../../client/src/stack.ts";
import { newInferenceId } from "../../client/src/submit.ts";
import { submitAll } from "../../client/src/submit-all.ts";
import { waitForJob } from "../../client/src/wait.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { Deployment } from "../deployment/deployment.ts";
import { changeSettings, parseSetting } from "../deployment/settings-file.ts";
import { spawnEmulator } from "../local/emulator.ts";
import { statePaths } from "../local/local-folder.ts";

/** Number of instances. */
export const instances = 4;

/** Duration of the sample, seconds, and number of its parts. */
const [duration, parts] = [12, 16];

/** Real seconds for the start of the instances, and for a part. */
const limitSeconds = 600;

/** The model sleeps for each part, and returns when it began and ended. */
const handlerOf = (seconds: number): string => `
import json
import time

def model_fn(model_dir):
    return model_dir

def transform_fn(model, body, content_type, accept, context=None):
    started = time.time()
    time.sleep(${seconds})
    return json.dumps({"started": started, "ended": time.time()}), accept
`;

const runSchema = z.object({ started: z.number(), ended: z.number() });

/**
 * Sends the sample in parts, one at a time on each instance. Returns the share of the ideal speed-up that the parts
 * reach: their total time, divided by the time from the first start to the last end, divided by the number of instances.
 * @param seconds that the model sleeps for a part
 * @throws the errors of the emulator and of the deployment; Error if a part fails
 */
export async function measureSpeedUp(seconds: number, signal: AbortSignal): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "bench-parts-"));
  try {
    const paths = statePaths(folder);
    await Promise.all([mkdir(paths.aws, { recursive: true }), mkdir(paths.backend, { recursive: true })]);
    // The clock does not run faster while the stack is idle, so no instance stops before the parts are sent.
    const aws = await spawnEmulator({ paths, port: 0, speed: 1, signal });
    try {
      const file = join(folder, "Pulumi.local.yaml");
      const settings = [
        `modelArtifact=${await packModel(folder, seconds)}`,
        "maxConcurrency=1",
        `maxCapacity=${instances}`,
      ];
      await changeSettings(join(repoRoot, "Pulumi.local.yaml"), file, settings.map(parseSetting));
      const deployment = await Deployment.open(aws, paths, file);
      const { outputs } = await deployment.up({ detail: () => undefined }, signal);
      using stack = connect(checkOutputs(outputs, "The stack's outputs"), aws.credentials);
      await startInstances(stack, signal);
      const runs = await runParts(stack, signal);
      const total = runs.reduce((sum, { started, ended }) => sum + ended - started, 0);
      const passed = Math.max(...runs.map(({ ended }) => ended)) - Math.min(...runs.map(({ started }) => started));
      return total / passed / instances;
    } finally {
      await aws.stop();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function packModel(folder: string, seconds: number): Promise<string> {
  const root = join(folder, "model");
  await mkdir(join(root, "code"), { recursive: true });
  await writeFile(join(root, "code", "inference.py"), handlerOf(seconds));
  // TorchServe takes a model's only folder for the model itself, so code/ needs a sibling.
  await writeFile(join(root, "weights.pt"), "none");
  const file = join(folder, "model.tar.gz");
  await create({ file, cwd: root, gzip: true }, ["code", "weights.pt"]);
  return file;
}

async function startInstances(stack: Stack, signal: AbortSignal): Promise<void> {
  const { endpointName: EndpointName, variantName: VariantName } = stack.outputs;
  const DesiredWeightsAndCapacities = [{ VariantName, DesiredInstanceCount: instances }];
  await stack.sagemaker.send(
    new UpdateEndpointWeightsAndCapacitiesCommand({ EndpointName, DesiredWeightsAndCapacities }),
    { abortSignal: signal },
  );
  await waitForInstances(stack, instances, { limitSeconds, signal });
}

async function runParts(stack: Stack, signal: AbortSignal): Promise<readonly z.infer<typeof runSchema>[]> {
  const job = newInferenceId();
  const video = join(repoRoot, "model", "samples", "street.mp4");
  const cuts = partsOf(cutTimes({ duration, partSeconds: duration / parts, fps: 25 }), []);
  const submissions = cuts.map((part, number) => ({
    video,
    inferenceId: partIdOf(job, number),
    part: { job, number, ...part },
  }));
  const outcomes = await submitAll(stack, submissions, { signal });
  return await Promise.all(
    outcomes.map(async (outcome) => {
      if ("problem" in outcome) throw outcome.problem;
      const state = await waitForJob(stack, outcome.job, { limitSeconds, signal });
      if (state.status !== "completed") throw new Error(`Part ${outcome.inferenceId} is ${state.status}.`);
      const bytes = await read(stack.s3, outcome.job.outputLocation, 1024, signal);
      return runSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    }),
  );
}
