/** The whole stack: videos go in, an endpoint that sleeps at zero instances looks at them, results come out. */
import { AccessPolicies } from "./access-policies.ts";
import { currentAccount } from "./account.ts";
import { AsyncEndpoint } from "./async-endpoint.ts";
import { CompletionTopics } from "./completion-topics.ts";
import { readConfig } from "./config.ts";
import { EncryptionKey } from "./encryption-key.ts";
import { ModelArtifact } from "./model-artifact.ts";
import { Monitoring } from "./monitoring.ts";
import { ScaleToZero } from "./scale-to-zero.ts";
import { stackOutputs } from "./stack-outputs.ts";
import { VideoStorage } from "./video-storage.ts";

const config = readConfig();
const account = currentAccount();
const { protectData: protect } = config;

const { arn: keyArn } = new EncryptionKey("video", { account }, { protect });

const storage = new VideoStorage("video", { ...config, keyArn }, { protect });

const topics = new CompletionTopics("video", { ...config, account, keyArn });

const model = new ModelArtifact("video-model", {
  path: config.modelArtifact,
  bucket: storage.inputBucket,
  prefix: storage.modelPrefix,
});

const inference = new AsyncEndpoint("video", {
  ...config,
  account,
  keyArn,
  storage,
  topics,
  modelUrl: model.url,
});

const scaling = new ScaleToZero("video", {
  ...config,
  endpoint: inference.endpoint,
  variantName: inference.variantName,
  fleet: inference.fleet,
});

const monitoring = new Monitoring("video", {
  ...config,
  account,
  keyArn,
  endpointName: inference.endpointName,
  variantName: inference.variantName,
});

const access = new AccessPolicies("video", {
  ...config,
  account,
  keyArn,
  storage,
  topics,
  inference,
  operationsTopicArn: monitoring.operationsTopicArn,
});

// A default export, because a named one that is undefined on some stacks makes Pulumi warn in every run.
export default stackOutputs({ account, storage, topics, inference, scaling, monitoring, access, ...config });
