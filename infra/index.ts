/** The whole stack: videos go in, an endpoint that sleeps at zero instances looks at them, results come out. */
import { currentAccount } from "./account.ts";
import { AsyncEndpoint } from "./async-endpoint.ts";
import { CompletionTopics } from "./completion-topics.ts";
import { readConfig } from "./config.ts";
import { ModelArtifact } from "./model-artifact.ts";
import { ScaleToZero } from "./scale-to-zero.ts";
import { VideoStorage } from "./video-storage.ts";

const config = readConfig();
const account = currentAccount();

const storage = new VideoStorage("video", {
  inputRetentionDays: config.inputRetentionDays,
  resultRetentionDays: config.resultRetentionDays,
  forceDestroy: config.forceDestroy,
});

const topics = new CompletionTopics("video", { account });

const model = new ModelArtifact("video-model", {
  path: config.modelArtifact,
  bucket: storage.inputBucket,
  prefix: storage.modelPrefix,
});

const inference = new AsyncEndpoint("video", {
  account,
  storage,
  topics,
  modelUrl: model.url,
  image: config.image,
  instanceType: config.instanceType,
  maxConcurrency: config.maxConcurrency,
  invocationTimeout: config.invocationTimeout,
  maxRequestSize: config.maxRequestSize,
  maxResponseSize: config.maxResponseSize,
  sampleFps: config.sampleFps,
  scoreThreshold: config.scoreThreshold,
});

const scaling = new ScaleToZero("video", {
  endpoint: inference.endpoint,
  variantName: inference.variantName,
  minCapacity: config.minCapacity,
  maxCapacity: config.maxCapacity,
  backlogTarget: config.backlogTarget,
  scaleInCooldown: config.scaleInCooldown,
  scaleOutCooldown: config.scaleOutCooldown,
});

// The contract with everything that uses a deployed stack (ARCHITECTURE.md, "Where rooms meet").
export const endpointName = inference.endpointName;
export const variantName = inference.variantName;
export const region = account.region;
/** Only where AWS is a machine of one's own; undefined outputs are left out. */
export const awsEndpointUrl = process.env["AWS_ENDPOINT_URL"];
export const inputBucket = storage.inputBucket;
export const inputPrefix = storage.inputPrefix;
export const outputLocation = storage.outputLocation;
export const failureLocation = storage.failureLocation;
export const successTopicArn = topics.successTopicArn;
export const errorTopicArn = topics.errorTopicArn;
export const successQueueUrl = topics.successQueueUrl;
export const errorQueueUrl = topics.errorQueueUrl;
export const maxConcurrency = inference.maxConcurrency;
export const instanceType = inference.instanceType;
export const maxCapacity = scaling.maxCapacity;
