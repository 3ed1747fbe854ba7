/** The whole stack: storage, topics, model, endpoint, autoscaling, monitoring and access. */
import "./native-stack-traces.ts";
import * as pulumi from "@pulumi/pulumi";
import { AccessPolicies } from "./components/access-policies.ts";
import { currentAccount } from "./account.ts";
import { AsyncEndpoint } from "./components/async-endpoint.ts";
import { InferenceNotifications } from "./components/inference-notifications.ts";
import { readConfig } from "./config.ts";
import { EncryptionKey } from "./components/encryption-key.ts";
import { ModelArtifact } from "./components/model-artifact.ts";
import { Monitoring } from "./components/monitoring.ts";
import { EndpointAutoscaling } from "./components/endpoint-autoscaling.ts";
import { resourcePrefix } from "./stack-name.ts";
import { stackOutputs } from "./stack-outputs.ts";
import { VideoStorage } from "./components/video-storage.ts";

const config = readConfig();
const account = currentAccount();
const { protectData: protect } = config;
const name = resourcePrefix(pulumi.getStack());
// Names of earlier versions. Children inherit the alias, because their names start with their component's. The endpoint has none: its new name
// starts with the prefix, so an update creates it anew together with the resources that serve it.
const aliases = [{ name: "video" }];

const keyArn = config.encryptionKeyArn ?? new EncryptionKey(name, { account }, { protect, aliases }).arn;

const storage = new VideoStorage(name, { ...config, keyArn }, { protect, aliases });

const notifications = new InferenceNotifications(name, { ...config, account, keyArn }, { aliases });

const model = new ModelArtifact(
  `${name}-model`,
  { path: config.modelArtifact, bucket: storage.inputBucket },
  { aliases: [{ name: "video-model" }] },
);

const { inputBucket, outputBucket } = storage;
const { successTopicArn, errorTopicArn, queueArns, deadLetterQueueArns } = notifications;
const inference = new AsyncEndpoint(name, {
  ...config,
  account,
  keyArn,
  modelUrl: model.url,
  inputBucket,
  outputBucket,
  successTopicArn,
  errorTopicArn,
});
const { endpointArn, endpointName, variantName, replacementTrigger } = inference;

const scaling = new EndpointAutoscaling(
  name,
  { ...config, endpointName, variantName, replacementTrigger },
  { aliases },
);

const monitoring = new Monitoring(
  name,
  { ...config, account, keyArn, endpointName, variantName, scalingAlarmArns: scaling.alarmArns },
  { aliases },
);

const access = new AccessPolicies(
  name,
  {
    ...config,
    account,
    keyArn,
    inputBucket,
    outputBucket,
    endpointArn,
    endpointName,
    topicArns: [successTopicArn, errorTopicArn, monitoring.operationsTopicArn],
    queueArns,
    deadLetterQueueArns,
  },
  { aliases },
);

// A default export, because Pulumi warns on every run about a named export that is undefined on some stacks.
export default stackOutputs({ account, storage, notifications, inference, scaling, monitoring, access, ...config });
