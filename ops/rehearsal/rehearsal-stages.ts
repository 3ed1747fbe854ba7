/** Stages of the rehearsal with further updates: a source bucket, an update while the endpoint scales, and a rolled-back update. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import {
  DescribeEndpointCommand,
  DescribeEndpointConfigCommand,
  DescribeModelCommand,
} from "@aws-sdk/client-sagemaker";
import {
  checkLocation,
  checkVideo,
  invoke,
  openStack,
  parseS3Uri,
  poll,
  readCapacity,
  uploadVideo,
  waitForInstances,
  waitForJob,
} from "../../client/src/index.ts";
import type { Job, Stack } from "../../client/src/index.ts";
import { UserError } from "../../lib/errors.ts";
import { repoRoot } from "../../tools/paths.mjs";
import { brokenReason, writeBrokenArtifact } from "./broken-artifact.ts";
import type { Deployment } from "../deployment/deployment.ts";
import { DeploymentError } from "../deployment/deployment-errors.ts";
import type { Step } from "../../lib/progress.ts";
import { parseSetting } from "../deployment/settings-file.ts";
import type { Setting } from "../deployment/settings-file.ts";

/** An update did not have the required effect. The message describes the effect. */
export class UpdateFailed extends UserError {
  override readonly name = "UpdateFailed";
}

/** Deployments and files for further updates of a change. */
export interface Updates {
  /** The change itself. */
  readonly deployment: Deployment;
  /** Opens the stack with the change's settings and further ones. */
  readonly deploymentWith: (...settings: Setting[]) => Promise<Deployment>;
  /** Connects to the stack with the permissions of the deployment. */
  readonly connect: () => Promise<Stack>;
  /** File with the stack's outputs. */
  readonly outputs: string;
  /** Folder for the files of a stage. */
  readonly folder: string;
  readonly video: string | undefined;
}

const sample = join(repoRoot, "model", "samples", "street.mp4");

/** Seconds of real time: longer than an instance or a job on this machine takes. */
const limitSeconds = 300;
const pause = { first: 0.1, longest: 0.5 };

/** The bucket outside the stack. */
export const source = { bucket: "rehearsal-source", prefix: "videos/" };

/** Adds a bucket outside the stack as a source bucket, and sends a video from it without an upload. The video must have a result. */
export async function sourceBucket(updates: Updates, step: Step, signal: AbortSignal): Promise<string> {
  const inputLocation = `s3://${source.bucket}/${source.prefix}street.mp4`;
  const changed = await updates.deploymentWith({ key: "async-video-inference:sourceBuckets", value: [source] });
  await changed.up(step, signal);
  using stack = await updates.connect();
  checkLocation(stack.outputs, inputLocation);
  // As the administrator: the bucket belongs to another team.
  using owner = await openStack({ outputs: updates.outputs });
  await owner.s3.send(new CreateBucketCommand({ Bucket: source.bucket }), { abortSignal: signal });
  const video = { ...parseS3Uri(inputLocation), Body: await readFile(sample) };
  // The deploy role may not read the video, so the team tells its ETag.
  const { ETag: etag } = await owner.s3.send(new PutObjectCommand(video), { abortSignal: signal });
  const job = await invoke(stack, { inputLocation, contentType: "video/mp4", etag, signal });
  step.detail("waiting for the result");
  await answered(stack, job, signal);
  return "a video of another bucket was answered where it lies";
}

/** Updates the endpoint while its first instance starts for a queued video. The update must succeed, and the video must have a result. */
export async function updateWhileScaling(updates: Updates, step: Step, signal: AbortSignal): Promise<string> {
  // It changes the container's environment, so SageMaker replaces the instances. No change is likely to have this value.
  const changed = await updates.deploymentWith(parseSetting("sampleFps=1.25"));
  using stack = await updates.connect();
  step.detail("waiting for zero instances");
  await waitForInstances(stack, 0, { signal, limitSeconds, pause });
  const job = await submit(stack, updates.video ?? sample, signal);
  step.detail("waiting for the instance that the video starts");
  const seen = await poll(
    () => readCapacity(stack, signal),
    ({ status }) => status === "Updating",
    { signal, limitSeconds, pause },
  );
  if (seen.status !== "Updating") throw new UpdateFailed(`No instance was started for job ${job.inferenceId}.`);
  await changed.up(step, signal);
  step.detail("waiting for the result");
  await answered(stack, job, signal);
  return "updated while an instance started; the queued video was answered";
}

/**
 * Deploys an artifact that no instance can load. The deployment must fail, and the endpoint must keep its configuration,
 * model and artifact; then the change is deployed again.
 */
export async function rolledBack(updates: Updates, step: Step, signal: AbortSignal): Promise<string> {
  const artifact = await writeBrokenArtifact(updates.folder);
  const broken = await updates.deploymentWith({ key: "async-video-inference:modelArtifact", value: artifact });
  using stack = await updates.connect();
  const before = await runsOn(stack, signal);
  const failure = await broken.up(step, signal).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof DeploymentError) return error.message;
      throw error;
    },
  );
  if (failure === undefined)
    throw new UpdateFailed("An artifact that no instance can load was deployed without an error.");
  if (!failure.includes(brokenReason)) {
    throw new UpdateFailed(`The failed deployment does not say why SageMaker rolled the update back:\n${failure}`);
  }
  const after = await runsOn(stack, signal);
  if (after !== before)
    throw new UpdateFailed(`The endpoint ran on ${before} before the failed update, and runs on ${after} now.`);
  await updates.deployment.up(step, signal);
  await runsOn(stack, signal);
  return "an artifact that cannot be loaded was rolled back, and nothing that the endpoint runs on was deleted";
}

/** Uploads a video and sends it. */
async function submit(stack: Stack, video: string, signal: AbortSignal): Promise<Job> {
  await checkVideo(video);
  return await invoke(stack, { ...(await uploadVideo(stack, video, { signal })), signal });
}

async function answered(stack: Stack, job: Job, signal: AbortSignal): Promise<void> {
  const state = await waitForJob(stack, job, { signal, limitSeconds, pause });
  if (state.status === "completed") return;
  const reason = state.status === "failed" ? `: ${state.reason}` : ` after ${limitSeconds} s`;
  throw new UpdateFailed(`Job ${job.inferenceId} is ${state.status}${reason}`);
}

/**
 * Returns the endpoint's configuration, after reading its model and its artifact.
 * @throws AWS's error if one of them is missing
 */
async function runsOn(stack: Stack, signal: AbortSignal): Promise<string> {
  const { sagemaker, s3, outputs } = stack;
  const options = { abortSignal: signal };
  const { EndpointConfigName } = await sagemaker.send(
    new DescribeEndpointCommand({ EndpointName: outputs.endpointName }),
    options,
  );
  const configuration = await sagemaker.send(new DescribeEndpointConfigCommand({ EndpointConfigName }), options);
  const ModelName = configuration.ProductionVariants?.[0]?.ModelName;
  const { PrimaryContainer } = await sagemaker.send(new DescribeModelCommand({ ModelName }), options);
  await s3.send(new HeadObjectCommand(parseS3Uri(PrimaryContainer?.ModelDataUrl ?? "")), options);
  return EndpointConfigName ?? "";
}
