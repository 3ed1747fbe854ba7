/** The policy on the types of resources that a stack may have. */
import { resourcePolicy, stringList } from "./policy.ts";

/** Types that the pack has policies on, and supporting types that give no access, cost nothing and create no other resources. */
const knownTypes = [
  "aws:appautoscaling/policy:Policy",
  "aws:appautoscaling/scheduledAction:ScheduledAction",
  "aws:appautoscaling/target:Target",
  "aws:cloudwatch/dashboard:Dashboard",
  "aws:cloudwatch/logGroup:LogGroup",
  "aws:cloudwatch/metricAlarm:MetricAlarm",
  "aws:iam/policy:Policy",
  "aws:iam/role:Role",
  "aws:iam/rolePolicy:RolePolicy",
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
  "aws:kms/alias:Alias",
  "aws:kms/key:Key",
  "aws:s3/bucket:Bucket",
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
  "aws:s3/bucketNotification:BucketNotification",
  "aws:s3/bucketObjectv2:BucketObjectv2",
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
  "aws:s3/bucketPolicy:BucketPolicy",
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  "aws:s3/bucketVersioning:BucketVersioning",
  "aws:sagemaker/endpoint:Endpoint",
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
  "aws:sagemaker/model:Model",
  "aws:sns/topic:Topic",
  "aws:sns/topicPolicy:TopicPolicy",
  "aws:sns/topicSubscription:TopicSubscription",
  "aws:sqs/queue:Queue",
  "aws:sqs/queuePolicy:QueuePolicy",
  "aws:sqs/redrivePolicy:RedrivePolicy",
  "pulumi:index:Stash",
  "pulumi:providers:aws",
  "pulumi:providers:pulumi",
];

/**
 * The other policies evaluate only the types that they know. This one reports all others: other packages (`aws-native`), resources that
 * create others (a CloudFormation stack), users and access keys, and every other billed resource.
 */
export const knownTypesOnly = resourcePolicy({
  name: "known-types-only",
  description:
    "A stack may have only types of resources that the pack knows or the config lists, because the other policies cannot evaluate any other.",
  // For stacks of other projects. This project's config files make it mandatory.
  enforcementLevel: "advisory",
  config: {
    types: stringList(`Types that a stack may have in addition to the ${knownTypes.length} that the pack knows.`),
  },
  validate: (args, reportViolation) => {
    const { type, name, provider } = args;
    // Without a provider, a resource is a component or the stack: it creates nothing, and its children are evaluated one by one.
    if (provider === undefined && !type.startsWith("pulumi:providers:")) return;
    if (knownTypes.includes(type) || args.getConfig<{ types: string[] }>().types.includes(type)) return;
    reportViolation(
      `The pack does not know the type ${type} of '${name}'. Remove the resource. If it is intended, and you know its access and cost, ` +
        `add its type to types in the policy's config.`,
    );
  },
});
