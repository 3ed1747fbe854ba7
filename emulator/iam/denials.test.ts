/** Tests how clients see a denial by one of the emulator's own services. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import { ApplicationAutoScalingClient, RegisterScalableTargetCommand } from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient, DeleteAlarmsCommand } from "@aws-sdk/client-cloudwatch";
import { CreateModelCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { RealClock } from "../core/real-clock.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { guardedServices } from "../testing/guarded-services.ts";
import type { GuardedExamples } from "../testing/guarded-services.ts";
import { denialOf, RecordingAuthorizer } from "../testing/recording-authorizer.ts";
import { arn, goodModel } from "../testing/sagemaker-fixture.ts";
import { sdkConfig, signed, startTestGateway, testCredentials } from "../testing/test-gateway.ts";
import { authorizationOf } from "./authorization.ts";

const alarm = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:alarm";

describe("A denial", () => {
  let services: GuardedExamples;
  let stop: () => Promise<void>;
  let authorizer: RecordingAuthorizer;
  let gateway: Gateway;

  before(async () => {
    ({ services, stop } = await guardedServices());
  });
  beforeEach(() => {
    authorizer = new RecordingAuthorizer();
  });
  afterEach(() => gateway.stop());
  after(() => stop());

  /** Starts a gateway with one of the services and returns the configuration of a client. */
  const serve = async (name: keyof GuardedExamples & string) => {
    const service = services[name]?.service;
    assert.ok(service);
    gateway = await startTestGateway([service], new RealClock(), authorizationOf(service, authorizer, "ADMINISTRATOR"));
    return sdkConfig(gateway);
  };
  const refused = async (sending: Promise<unknown>, name: string, message: string, status: number): Promise<void> => {
    await assert.rejects(sending, (error: { name: string; message: string; $metadata: { httpStatusCode: number } }) => {
      assert.deepEqual([error.name, error.message, error.$metadata.httpStatusCode], [name, message, status]);
      return true;
    });
  };

  it("by SageMaker is an AccessDeniedException with AWS's words", async () => {
    authorizer.denied.add("sagemaker:CreateModel");
    const client = new SageMakerClient(await serve("sagemaker"));
    const words = denialOf("sagemaker:CreateModel", arn("model", "new"));
    const sending = client.send(new CreateModelCommand({ ...goodModel, ModelName: "new" }));
    await refused(sending, "AccessDeniedException", words, 400);
    assert.deepEqual(authorizer.requests[0]?.caller, { accessKeyId: testCredentials.accessKeyId });
  });

  it("comes before a complaint about the parameters", async () => {
    authorizer.denied.add("sagemaker:CreateModel");
    const client = new SageMakerClient(await serve("sagemaker"));
    const sending = client.send(new CreateModelCommand({ ...goodModel, ModelName: "not valid!" }));
    await refused(sending, "AccessDeniedException", denialOf("sagemaker:CreateModel", arn("model", "not valid!")), 400);
  });

  it("by SageMaker's runtime is an AccessDeniedException", async () => {
    authorizer.denied.add("sagemaker:InvokeEndpointAsync");
    const client = new SageMakerRuntimeClient(await serve("sagemaker-runtime"));
    const words = denialOf("sagemaker:InvokeEndpointAsync", arn("endpoint", "endpoint"));
    const input = { EndpointName: "endpoint", InputLocation: "s3://videos/video.mp4" };
    await refused(client.send(new InvokeEndpointAsyncCommand(input)), "AccessDeniedException", words, 403);
  });

  it("of a tested permission by Application Auto Scaling is a ValidationException", async () => {
    authorizer.denied.add("cloudwatch:PutMetricAlarm");
    const client = new ApplicationAutoScalingClient(await serve("application-autoscaling"));
    const input = {
      ServiceNamespace: "sagemaker",
      ResourceId: "endpoint/endpoint/variant/video",
      ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
      MinCapacity: 0,
      MaxCapacity: 1,
    } as const;
    const words = "User is missing the following permissions: cloudwatch:PutMetricAlarm";
    await refused(client.send(new RegisterScalableTargetCommand(input)), "ValidationException", words, 400);
    const asked = authorizer.requests.map(({ action, resources }) => [action, ...resources]);
    assert.deepEqual(asked.slice(2, 5), [
      ["sagemaker:DescribeEndpoint", arn("endpoint", "endpoint")],
      ["sagemaker:DescribeEndpointConfig", arn("endpoint-config", "config")],
      ["sagemaker:UpdateEndpointWeightsAndCapacities", arn("endpoint", "endpoint")],
    ]);
  });

  it("by CloudWatch is AccessDenied for the AWS SDK", async () => {
    authorizer.denied.add("cloudwatch:DeleteAlarms");
    const client = new CloudWatchClient(await serve("cloudwatch"));
    const sending = client.send(new DeleteAlarmsCommand({ AlarmNames: ["alarm"] }));
    await refused(sending, "AccessDenied", denialOf("cloudwatch:DeleteAlarms", alarm), 403);
  });

  it("by CloudWatch is AccessDenied in the query protocol", async () => {
    authorizer.denied.add("cloudwatch:DeleteAlarms");
    await serve("cloudwatch");
    const fields = { Action: "DeleteAlarms", Version: "2010-08-01", "AlarmNames.member.1": "alarm" };
    const request = await signed(gateway.url, { service: "monitoring", body: new URLSearchParams(fields) });
    const response = await fetch(gateway.url, request);
    assert.equal(response.status, 403);
    assert.match(await response.text(), /<Type>Sender<\/Type><Code>AccessDenied<\/Code><Message>User: arn:aws:sts::/);
  });
});
