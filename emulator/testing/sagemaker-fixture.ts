/** An emulated SageMaker behind a gateway, with an SDK client, new for each test, and valid inputs to modify. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DescribeEndpointCommand,
  SageMakerClient,
} from "@aws-sdk/client-sagemaker";
import type {
  CreateEndpointConfigCommandInput,
  CreateModelCommandInput,
  DescribeEndpointCommandOutput,
  EndpointStatus,
} from "@aws-sdk/client-sagemaker";
import { SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import type { SageMakerDependencies } from "../services/sagemaker/dependencies.ts";
import { SageMaker } from "../services/sagemaker/service.ts";
import { fakeAws, testArtifact, testImage, testRole } from "./fake-aws.ts";
import { refusalCode } from "./refusal-code.ts";
import { sdkConfig, startTestGateway, testAccount, testRegion } from "./test-gateway.ts";

export const arn = (kind: string, name: string): string =>
  `arn:aws:sagemaker:${testRegion}:${testAccount}:${kind}/${name}`;

export const goodModel = {
  ModelName: "model",
  ExecutionRoleArn: testRole,
  PrimaryContainer: {
    Image: testImage,
    ModelDataUrl: testArtifact,
    Environment: { SAGEMAKER_PROGRAM: "inference.py" },
  },
} satisfies CreateModelCommandInput;

export const goodVariant = {
  VariantName: "video",
  ModelName: "model",
  InstanceType: "ml.g4dn.xlarge",
  InitialInstanceCount: 1,
} as const;

export const goodOutput = {
  S3OutputPath: "s3://results/out/",
  S3FailurePath: "s3://results/failed",
  NotificationConfig: {
    SuccessTopic: "arn:aws:sns:us-east-1:000000000000:success",
    ErrorTopic: "arn:aws:sns:us-east-1:000000000000:error",
  },
};

export const goodConfig = {
  EndpointConfigName: "config",
  ProductionVariants: [goodVariant],
  AsyncInferenceConfig: { ClientConfig: { MaxConcurrentInvocationsPerInstance: 2 }, OutputConfig: goodOutput },
} satisfies CreateEndpointConfigCommandInput;

/** Application Auto Scaling's name of the good variant. */
export const resourceId = "endpoint/endpoint/variant/video";

/** Asserts that AWS refuses, with this message. */
export async function refused(
  sending: Promise<unknown>,
  message: string | RegExp,
  name = refusalCode(message, "ValidationException"),
): Promise<void> {
  await assert.rejects(sending, { name, message });
}

export class SageMakerFixture implements AsyncDisposable {
  readonly aws: ReturnType<typeof fakeAws>;
  readonly sagemaker: SageMaker;
  readonly client: SageMakerClient;
  readonly runtime: SageMakerRuntimeClient;
  readonly url: string;
  readonly #stopGateway: () => Promise<void>;

  private constructor(
    aws: ReturnType<typeof fakeAws>,
    sagemaker: SageMaker,
    gateway: Awaited<ReturnType<typeof startTestGateway>>,
  ) {
    this.aws = aws;
    this.sagemaker = sagemaker;
    this.url = gateway.url;
    this.client = new SageMakerClient(sdkConfig(gateway));
    this.runtime = new SageMakerRuntimeClient(sdkConfig(gateway));
    this.#stopGateway = () => gateway.stop();
  }

  static async start(changes: Partial<SageMakerDependencies> = {}): Promise<SageMakerFixture> {
    const aws = fakeAws(changes);
    const sagemaker = new SageMaker(aws.dependencies);
    const gateway = await startTestGateway([sagemaker.control, sagemaker.runtime], aws.clock);
    return new SageMakerFixture(aws, sagemaker, gateway);
  }

  /** Ends everything, and asserts that no instance is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.sagemaker.stop();
    await this.#stopGateway();
    this.client.destroy();
    this.runtime.destroy();
    this.aws.clock.stop();
    assert.equal(this.aws.fleet.running, 0);
  }

  createModel(change: Partial<CreateModelCommandInput> = {}) {
    return this.client.send(new CreateModelCommand({ ...goodModel, ...change }));
  }

  createConfig(change: Partial<CreateEndpointConfigCommandInput> = {}) {
    return this.client.send(new CreateEndpointConfigCommand({ ...goodConfig, ...change }));
  }

  /** Starts with the good model and configuration. */
  async createEndpoint(): Promise<void> {
    await this.createModel();
    await this.createConfig();
    await this.client.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }));
  }

  describeEndpoint() {
    return this.client.send(new DescribeEndpointCommand({ EndpointName: "endpoint" }));
  }

  async untilStatus(status: EndpointStatus): Promise<DescribeEndpointCommandOutput> {
    for (;;) {
      const endpoint = await this.describeEndpoint();
      if (endpoint.EndpointStatus === status) return endpoint;
      await sleep(5);
    }
  }
}
