/** Arguments of the asynchronous endpoint. */
import type { LogGroupArgs } from "@pulumi/aws/cloudwatch/index.js";
import type { RoleArgs, RolePolicyArgs } from "@pulumi/aws/iam/index.js";
import type { EndpointArgs, EndpointConfigurationArgs, ModelArgs } from "@pulumi/aws/sagemaker/index.js";
import type * as pulumi from "@pulumi/pulumi";
import type { Account } from "../account.ts";
import type { RequestMode } from "../request-settings.ts";
import type { MachineImage } from "../serving-image.ts";
import type { SourceBucketArgs } from "../source-buckets.ts";
import type { VideoLocations } from "../video-locations.ts";
import type { Transform } from "./transform.ts";

/** Arguments of an {@link AsyncEndpoint}. */
export interface AsyncEndpointArgs extends VideoLocations {
  /**
   * Account and region that the endpoint runs in.
   * @default those of the component's provider
   */
  readonly account?: Account;
  /** ARN of the key that encrypts results. */
  readonly keyArn: pulumi.Input<string>;
  /** s3:// address of the model.tar.gz, in the input bucket under the prefix of model artifacts. */
  readonly modelUrl: pulumi.Input<string>;
  /**
   * Prefix of the keys of model artifacts in the input bucket, with a trailing slash.
   * @default "models/"
   */
  readonly modelPrefix?: pulumi.Input<string>;
  /** ARN of the topic that results are published to. */
  readonly successTopicArn: pulumi.Input<string>;
  /** ARN of the topic that failures are published to. */
  readonly errorTopicArn: pulumi.Input<string>;
  /**
   * The serving image: `torchserve` or `ray` for AWS's images, from the registry of the stack's region, or an address in ECR.
   * @default "torchserve"
   */
  readonly image?: pulumi.Input<string>;
  /**
   * Instance type.
   * @default "ml.g4dn.xlarge"
   */
  readonly instanceType?: pulumi.Input<string>;
  /**
   * Machine image of the instances, which determines their NVIDIA driver.
   * @default the one that fits the CUDA version of AWS's images, or of the image's tag; otherwise SageMaker's choice
   */
  readonly inferenceAmi?: pulumi.Input<MachineImage | undefined>;
  /**
   * Fail to start if CUDA cannot use a GPU, instead of running on the CPU at the price of a GPU.
   * @default true for instance types with a GPU
   */
  readonly requireGpu?: pulumi.Input<boolean | undefined>;
  /**
   * Number of concurrent invocations per instance.
   * @default 2
   */
  readonly maxConcurrency?: pulumi.Input<number>;
  /**
   * Maximum processing time of an invocation, seconds.
   * @default 900
   */
  readonly invocationTimeout?: pulumi.Input<number>;
  /**
   * How the endpoint gets a video: by a reference to an object in S3, or as the body of the request.
   * @default "payload" with network isolation, or in subnets without `s3Endpoint`; otherwise "reference"
   */
  readonly requests?: pulumi.Input<RequestMode | undefined>;
  /**
   * True if the subnets reach S3, for example by a gateway endpoint.
   * @default false
   */
  readonly s3Endpoint?: pulumi.Input<boolean>;
  /**
   * Maximum size of a request's body, MiB: of a video that is not a reference.
   * @default 1024
   */
  readonly maxRequestSize?: pulumi.Input<number>;
  /**
   * Maximum size of a result, MiB.
   * @default 128
   */
  readonly maxResponseSize?: pulumi.Input<number>;
  /**
   * Frame rate at which the model samples a video, frames per second.
   * @default 1
   */
  readonly sampleFps?: pulumi.Input<number>;
  /**
   * Minimum score of the detections in a result, from 0 to 1.
   * @default 0.5
   */
  readonly scoreThreshold?: pulumi.Input<number>;
  /**
   * Subnets of the instances' network interfaces. S3, SNS, ECR and CloudWatch Logs must be reachable from them.
   * @default none: AWS's own network
   */
  readonly subnetIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Security groups of the instances' network interfaces.
   * @default none
   */
  readonly securityGroupIds?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Disconnect the container from every network. SageMaker still delivers videos and uploads results.
   * @default false
   */
  readonly networkIsolation?: pulumi.Input<boolean>;
  /**
   * Existing buckets that videos are read from, in addition to the input bucket.
   * @default none
   */
  readonly sourceBuckets?: pulumi.Input<pulumi.Input<SourceBucketArgs>[]>;
  /**
   * ARN of the policy that bounds what the execution role can do.
   * @default none
   */
  readonly permissionsBoundary?: pulumi.Input<string | undefined>;
  /**
   * Seconds to keep the old instances after a blue/green update, while the alarms watch the new ones.
   * @default 0
   */
  readonly bakeTime?: pulumi.Input<number>;
  /**
   * Names of CloudWatch alarms. Any of them rolls back an update. They must exist before the endpoint does. A change of the
   * list replaces the endpoint (a rule of the provider).
   * @default none
   */
  readonly rollbackAlarms?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * Days to keep the endpoint's log; one of CloudWatch's values.
   * @default 30
   */
  readonly logRetentionDays?: pulumi.Input<number>;
  /**
   * Changes the resources of the component, except for the replacement trigger.
   * @default none
   */
  readonly transform?: {
    /** The execution role. @default unchanged */
    readonly role?: Transform<RoleArgs>;
    /** The policy of the execution role. @default unchanged */
    readonly rolePolicy?: Transform<RolePolicyArgs>;
    /** The model. @default unchanged */
    readonly model?: Transform<ModelArgs>;
    /** The endpoint configuration. @default unchanged */
    readonly configuration?: Transform<EndpointConfigurationArgs>;
    /** The endpoint's log group. @default unchanged */
    readonly logGroup?: Transform<LogGroupArgs>;
    /** The endpoint. @default unchanged */
    readonly endpoint?: Transform<EndpointArgs>;
  };
}
