/** A large stack for the benchmark: many endpoints, each with resources for every policy. */

/** A resource in the engine's form. */
export interface BenchResource {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Record<string, unknown>;
  readonly dependsOn: Readonly<Record<string, readonly string[]>>;
}

const arn = (service: string, name: string): string => `arn:aws:${service}:us-east-1:123456789012:${name}`;

function document(...statements: object[]): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: statements });
}

/** Returns one endpoint with its scaling, its bucket, its queues and its role. */
function endpointStack(index: number): BenchResource[] {
  const name = `videos-${index}`;
  const made = `${name}-0a1b2c3`;
  const tagsAll = { project: "bench", stack: "bench" };
  const key = arn("kms", `key/${index}`);
  const bucketArn = `arn:aws:s3:::${made}`;
  const variant = {
    serviceNamespace: "sagemaker",
    scalableDimension: "sagemaker:variant:DesiredInstanceCount",
    resourceId: `endpoint/${made}/variant/AllTraffic`,
  };
  const urnOf = (type: string): string => `urn:pulumi:bench::bench::${type}::${name}`;
  const bucket = "aws:s3/bucket:Bucket";
  const step = "aws:appautoscaling/policy:Policy";
  const target = "aws:appautoscaling/target:Target";
  const endpoint = "aws:sagemaker/endpoint:Endpoint";
  const configuration = "aws:sagemaker/endpointConfiguration:EndpointConfiguration";
  const resource = (
    type: string,
    props: Record<string, unknown>,
    dependsOn: Readonly<Record<string, readonly string[]>> = {},
  ): BenchResource => ({ type, name, urn: urnOf(type), props, dependsOn });
  const ofBucket = (kind: string, props: Record<string, unknown>): BenchResource =>
    resource(`aws:s3/bucket${kind}:Bucket${kind}`, { bucket: made, ...props }, { bucket: [urnOf(bucket)] });

  return [
    resource("aws:kms/key:Key", { enableKeyRotation: true, tagsAll, arn: key }),
    resource(bucket, { bucket: made, id: made, arn: bucketArn, tagsAll }),
    ofBucket("PublicAccessBlock", {
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    }),
    ofBucket("OwnershipControls", { rule: { objectOwnership: "BucketOwnerEnforced" } }),
    ofBucket("ServerSideEncryptionConfiguration", {
      rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key } }],
    }),
    ofBucket("Policy", {
      policy: document({
        Effect: "Deny",
        Principal: "*",
        Action: "s3:*",
        Resource: [bucketArn, `${bucketArn}/*`],
        Condition: { Bool: { "aws:SecureTransport": "false" } },
      }),
    }),
    ofBucket("LifecycleConfiguration", { rules: [{ status: "Enabled", expiration: { days: 14 } }] }),
    resource("aws:sns/topic:Topic", { kmsMasterKeyId: key, tagsAll, arn: arn("sns", made) }),
    resource("aws:sqs/queue:Queue", { kmsMasterKeyId: key, tagsAll, redriveAllowPolicy: "{}", arn: arn("sqs", made) }),
    resource("aws:iam/role:Role", {
      assumeRolePolicy: document({
        Effect: "Allow",
        Principal: { Service: "sagemaker.amazonaws.com" },
        Action: "sts:AssumeRole",
        Condition: { StringEqualsIfExists: { "aws:SourceAccount": "123456789012" } },
      }),
      tagsAll,
    }),
    resource("aws:iam/rolePolicy:RolePolicy", {
      policy: document({ Effect: "Allow", Action: "s3:GetObject", Resource: `${bucketArn}/input/*` }),
    }),
    resource("aws:sagemaker/model:Model", {
      name: made,
      primaryContainer: {
        image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
        environment: { REQUIRE_GPU: "1" },
      },
      tagsAll,
    }),
    resource(configuration, {
      name: made,
      productionVariants: [
        {
          variantName: "AllTraffic",
          modelName: made,
          instanceType: "ml.g4dn.xlarge",
          inferenceAmiVersion: "al2-ami-sagemaker-inference-gpu-3-1",
        },
      ],
      asyncInferenceConfig: {
        clientConfig: { maxConcurrentInvocationsPerInstance: 2 },
        outputConfig: {
          s3OutputPath: `s3://${made}/results`,
          s3FailurePath: `s3://${made}/failures`,
          notificationConfig: { successTopic: arn("sns", made), errorTopic: arn("sns", made) },
        },
      },
      tagsAll,
    }),
    resource(
      endpoint,
      { name: made, endpointConfigName: made, tagsAll },
      { endpointConfigName: [urnOf(configuration)] },
    ),
    resource(target, { ...variant, minCapacity: 0, maxCapacity: 5 }, { resourceId: [urnOf(endpoint)] }),
    {
      ...resource(
        step,
        {
          ...variant,
          targetTrackingScalingPolicyConfiguration: {
            targetValue: 5,
            customizedMetricSpecification: {
              namespace: "AWS/SageMaker",
              metricName: "ApproximateBacklogSizePerInstance",
              dimensions: [{ name: "EndpointName", value: made }],
            },
          },
        },
        { resourceId: [urnOf(target)] },
      ),
      name: `${name}-backlog`,
      urn: `${urnOf(step)}-backlog`,
    },
    resource(
      step,
      {
        ...variant,
        arn: arn("autoscaling", made),
        stepScalingPolicyConfiguration: {
          adjustmentType: "ChangeInCapacity",
          cooldown: 300,
          stepAdjustments: [{ metricIntervalLowerBound: "0", scalingAdjustment: 1 }],
        },
      },
      { resourceId: [urnOf(target)] },
    ),
    resource(
      "aws:cloudwatch/metricAlarm:MetricAlarm",
      {
        namespace: "AWS/SageMaker",
        metricName: "HasBacklogWithoutCapacity",
        dimensions: { EndpointName: made },
        comparisonOperator: "GreaterThanOrEqualToThreshold",
        threshold: 1,
        alarmActions: [arn("autoscaling", made)],
        tagsAll,
      },
      { alarmActions: [urnOf(step)] },
    ),
  ];
}

/** Returns a stack with this number of resources. */
export function largeStack(count: number): BenchResource[] {
  const resources: BenchResource[] = [];
  for (let index = 0; resources.length < count; index++) resources.push(...endpointStack(index));
  return resources.slice(0, count);
}
