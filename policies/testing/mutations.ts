/** Mutations of the real program's stack, each with the policy that must report it. */
import fc from "fast-check";
import { accessMutations } from "./access-mutations.ts";
import { configuring, setting } from "./breaking.ts";
import { scalingMutations } from "./scaling-mutations.ts";
import type { Mutation } from "./breaking.ts";
import { set } from "./broken-stack.ts";
import type { BrokenStack } from "./broken-stack.ts";
import type { TestResource } from "./evaluate.ts";

const target = "aws:appautoscaling/target:Target";
const scalingPolicy = "aws:appautoscaling/policy:Policy";
const alarm = "aws:cloudwatch/metricAlarm:MetricAlarm";
const configuration = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";
const endpoint = "aws:sagemaker/endpoint:Endpoint";
const model = "aws:sagemaker/model:Model";
const bucket = "aws:s3/bucket:Bucket";
const queue = "aws:sqs/queue:Queue";
const role = "aws:iam/role:Role";

const isTracking = ({ props }: TestResource) => props["targetTrackingScalingPolicyConfiguration"] !== undefined;
const isStep = ({ props }: TestResource) => props["stepScalingPolicyConfiguration"] !== undefined;

const nothing = fc.constantFrom(undefined, "");
const tracking = "targetTrackingScalingPolicyConfiguration";
const metric = `${tracking}.customizedMetricSpecification`;
const logGroup = "aws:cloudwatch/logGroup:LogGroup";
const workerCount = "primaryContainer.environment.SAGEMAKER_MODEL_SERVER_WORKERS";

/** All mutations. */
export const mutations: readonly Mutation[] = [
  setting("min-capacity-zero", target, "minCapacity", fc.integer({ min: 1, max: 100 })),
  setting("max-capacity-limit", target, "maxCapacity", fc.integer({ min: 11, max: 1000 })),
  setting(
    "backlog-metric",
    scalingPolicy,
    `${metric}.metricName`,
    fc.constantFrom("Invocations", "InvocationsPerInstance", "CPUUtilization"),
    isTracking,
  ),
  setting(
    "backlog-metric",
    scalingPolicy,
    `${metric}.namespace`,
    fc.string().filter((text) => text !== "AWS/SageMaker"),
    isTracking,
  ),
  setting(
    "backlog-metric",
    scalingPolicy,
    `${metric}.dimensions`,
    fc.constantFrom(
      [],
      [{ name: "VariantName", value: "AllTraffic" }],
      [
        { name: "EndpointName", value: "e" },
        { name: "VariantName", value: "v" },
      ],
    ),
    isTracking,
  ),
  setting("backlog-metric", scalingPolicy, metric, fc.constant(undefined), isTracking),
  ...scalingMutations,
  ...["scaleInCooldown", "scaleOutCooldown"].map((property) =>
    setting(
      "cooldowns-sane",
      scalingPolicy,
      `${tracking}.${property}`,
      fc.oneof(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 1801, max: 86_400 })),
      isTracking,
    ),
  ),
  setting(
    "cooldowns-sane",
    scalingPolicy,
    "stepScalingPolicyConfiguration.cooldown",
    fc.integer({ min: 1801, max: 86_400 }),
    isStep,
  ),
  {
    policy: "target-after-endpoint",
    what: "a target that depends on nothing",
    by: fc.constant((stack: BrokenStack) => {
      const one = stack.one(target, 0);
      return stack.replace(one, { ...one, dependsOn: {} });
    }),
  },
  setting(
    "gpu-instance-type",
    configuration,
    "productionVariants.0.instanceType",
    fc.constantFrom("ml.m5.xlarge", "ml.c6i.2xlarge", "ml.t2.medium", "ml.inf1.xlarge"),
  ),
  setting(
    "gpu-instance-type",
    configuration,
    "productionVariants.0.instancePools",
    fc.constantFrom(
      [{ instanceType: "ml.m5.xlarge" }],
      [{ instanceType: "ml.g5.xlarge" }, { instanceType: "ml.c5.xlarge" }],
    ),
  ),
  setting("asynchronous-only", configuration, "asyncInferenceConfig", fc.constant(undefined)),
  ...["successTopic", "errorTopic"].map((topic) =>
    setting(
      "completion-topics",
      configuration,
      `asyncInferenceConfig.outputConfig.notificationConfig.${topic}`,
      nothing,
    ),
  ),
  setting("failure-path", configuration, "asyncInferenceConfig.outputConfig.s3FailurePath", nothing),
  setting(
    "concurrency-limit",
    configuration,
    "asyncInferenceConfig.clientConfig.maxConcurrentInvocationsPerInstance",
    fc.oneof(fc.constant(undefined), fc.integer({ min: 5, max: 1000 })),
  ),
  setting(
    "gpu-required",
    model,
    "primaryContainer.environment.REQUIRE_GPU",
    fc.constantFrom(undefined, "", "0", "true"),
  ),
  setting("reference-needs-s3", model, "enableNetworkIsolation", fc.constant(true)),
  setting(
    "reference-needs-s3",
    model,
    "vpcConfig",
    fc
      .constantFrom([], ["sg-0a1b2c3d"])
      .map((securityGroupIds) => ({ subnets: ["subnet-0a1b2c3d"], securityGroupIds })),
  ),
  setting("inference-ami", configuration, "productionVariants.0.inferenceAmiVersion", nothing),
  setting(
    "single-variant",
    configuration,
    "shadowProductionVariants",
    fc.constant([{ instanceType: "ml.g4dn.xlarge" }]),
  ),
  setting("single-variant", configuration, "productionVariants.1", fc.constant({ instanceType: "ml.g4dn.xlarge" })),
  ...[model, configuration].map((type) =>
    setting("no-fixed-name", type, "name", fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9-]{0,30}$/)),
  ),
  setting(
    "supported-image",
    model,
    "primaryContainer.image",
    fc
      .constantFrom("2.0.1", "2.4.0", "2.5.1")
      .map((version) => `763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:${version}-gpu-py312`),
  ),
  ...["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"].flatMap((block, index) =>
    configuring("bucket-private", "PublicAccessBlock", block, fc.constantFrom(false, undefined)).slice(
      index === 0 ? 0 : 1,
    ),
  ),
  ...configuring(
    "bucket-owner-enforced",
    "OwnershipControls",
    "rule.objectOwnership",
    fc.constantFrom("ObjectWriter", "BucketOwnerPreferred"),
  ),
  ...configuring(
    "bucket-customer-key",
    "ServerSideEncryptionConfiguration",
    "rules.0.applyServerSideEncryptionByDefault",
    fc.constantFrom(
      undefined,
      { sseAlgorithm: "AES256" },
      { sseAlgorithm: "aws:kms" },
      { sseAlgorithm: "aws:kms", kmsMasterKeyId: "alias/aws/s3" },
    ),
  ),
  ...configuring(
    "bucket-tls-only",
    "Policy",
    "policy",
    fc.constantFrom(
      "{}",
      '{"Statement":[]}',
      '{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}}',
    ),
  ),
  ...configuring(
    "bucket-lifecycle",
    "LifecycleConfiguration",
    "rules",
    fc.constantFrom([], [{ status: "Disabled", expiration: { days: 1 } }]),
  ),
  setting("log-encrypted", logGroup, "kmsKeyId", fc.constantFrom(undefined, "", "alias/aws/logs")),
  setting("log-retention", logGroup, "retentionInDays", fc.constantFrom(undefined, 0)),
  setting("topic-encrypted", "aws:sns/topic:Topic", "kmsMasterKeyId", fc.constantFrom(undefined, "", "alias/aws/sns")),
  setting("queue-encrypted", queue, "kmsMasterKeyId", fc.constantFrom(undefined, "", "alias/aws/sqs")),
  setting(
    "queue-dead-letters",
    queue,
    "redrivePolicy",
    fc.constantFrom(undefined, "", "{}"),
    ({ props }) => props["redrivePolicy"] !== undefined,
  ),
  setting("key-rotation", "aws:kms/key:Key", "enableKeyRotation", fc.constantFrom(false, undefined)),
  {
    policy: "data-protected",
    what: "a bucket or a key of the stack prod without protection",
    by: fc.tuple(fc.nat(100), fc.constantFrom(bucket, "aws:kms/key:Key")).map(([pick, type]) => (stack) => {
      const one = stack.one(type, pick);
      return stack.replace(one, { ...one, protect: false });
    }),
  },
  ...accessMutations,
  setting("workers-fit-memory", model, workerCount, fc.constantFrom("3", "8", "1000")),
  {
    policy: "hourly-cost-limit",
    what: "an expensive instance type, or one without a price",
    by: fc
      .constantFrom("ml.p5.48xlarge", "ml.g5.48xlarge", "ml.p4d.24xlarge", "ml.g7.xlarge")
      .map((instanceType) => (stack) => {
        set(stack.one(configuration, 0), "productionVariants.0.instanceType", instanceType);
        return stack.one(endpoint, 0);
      }),
  },
  {
    policy: "hourly-cost-limit",
    what: "many instances at the start, with or without a scalable target",
    by: fc.tuple(fc.integer({ min: 20, max: 1000 }), fc.boolean()).map(([count, scaled]) => (stack) => {
      set(stack.one(configuration, 0), "productionVariants.0.initialInstanceCount", count);
      if (!scaled) stack.remove(stack.one(target, 0));
      return stack.one(endpoint, 0);
    }),
  },
  ...[bucket, queue, role, model, configuration, "aws:sns/topic:Topic", "aws:kms/key:Key", endpoint, alarm].map(
    (type) =>
      setting("required-tags", type, "tagsAll", fc.constantFrom({}, { project: "x" }, { stack: "dev" }, undefined)),
  ),
];
