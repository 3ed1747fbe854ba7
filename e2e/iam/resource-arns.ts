/** ARNs of the resources of an account's stacks. */
import { accountId, region } from "../../infra/testing/registrations.ts";
import { environmentOf, keyNameOf } from "./calls.ts";
import { roleArn } from "./account-policies.ts";

const regional = (service: string, resource: string): string => `arn:aws:${service}:${region}:${accountId}:${resource}`;

/** Returns ARNs of a stack's resources, and of its environment's state. */
export function resourcesOf(stack: string) {
  const endpoint = `video-${stack}-endpoint-0a1b2c3`;
  const logGroup = regional("logs", `log-group:/aws/sagemaker/Endpoints/${endpoint}`);
  const environment = environmentOf(stack) ?? "none";
  const stateBucket = `arn:aws:s3:::async-video-${environment}-state-0a1b2c3`;
  const bucket = (kind: string): string => `arn:aws:s3:::video-${stack}-${kind}-0a1b2c3`;
  return {
    inputBucket: bucket("input"),
    outputBucket: bucket("output"),
    artifact: `${bucket("input")}/models/0a1b2c3d.tar.gz`,
    input: `${bucket("input")}/input/0a1b2c3d/street.mp4`,
    result: `${bucket("output")}/results/1.out`,
    jobRecord: `${bucket("output")}/jobs/1.json`,
    failure: `${bucket("output")}/failures/1.out`,
    endpointConfig: regional("sagemaker", `endpoint-config/video-${stack}-0a1b2c3`),
    model: regional("sagemaker", `model/video-${stack}-0a1b2c3`),
    scalableTarget: regional("application-autoscaling", "scalable-target/0a1b2c3d"),
    scalingRoleArn: roleArn(
      "aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
    ),
    endpoint: regional("sagemaker", `endpoint/${endpoint}`),
    dashboard: `arn:aws:cloudwatch::${accountId}:dashboard/${endpoint}`,
    logGroup,
    logStream: `${logGroup}:log-stream:AllTraffic/i-0a1b2c3d`,
    success: regional("sns", `video-${stack}-success-0a1b2c3`),
    error: regional("sns", `video-${stack}-error-0a1b2c3`),
    operations: regional("sns", `video-${stack}-operations-0a1b2c3`),
    successQueue: regional("sqs", `video-${stack}-success-0a1b2c3`),
    errorQueue: regional("sqs", `video-${stack}-error-0a1b2c3`),
    deadLetterQueues: ["success", "error"].map((kind) =>
      regional("sqs", `video-${stack}-${kind}-dead-letters-0a1b2c3`),
    ),
    temporaryQueue: regional("sqs", `video-${stack}-smoke-0a1b2c3`),
    alarm: regional("cloudwatch", `alarm:video-${stack}-failures-0a1b2c3`),
    key: regional("kms", `key/${keyNameOf(stack)}`),
    stateBucket,
    state: `${stateBucket}/${environment}/.pulumi/stacks/async-video-inference/${stack}.json`,
    stateKey: regional("kms", `key/async-video-${environment}-state`),
    keyOfS3: regional("kms", "key/aws-managed-key-of-s3"),
    alarmWithoutName: regional("cloudwatch", "alarm:"),
    logGroupWithoutName: regional("logs", "log-group::log-stream:"),
    callerPolicy: `arn:aws:iam::${accountId}:policy/video-${stack}-caller-0a1b2c3`,
    boundary: `arn:aws:iam::${accountId}:policy/async-video-${environment}-boundary-0a1b2c3`,
    execution: roleArn(`video-${stack}-execution-0a1b2c3`),
    callerRole: roleArn(`video-${stack}-caller-0a1b2c3`),
  };
}
