/** Tests that roles can call the emulator's own services exactly as their policies allow. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ApplicationAutoScalingClient, RegisterScalableTargetCommand } from "@aws-sdk/client-application-auto-scaling";
import { CloudWatchClient, DeleteAlarmsCommand, PutMetricAlarmCommand } from "@aws-sdk/client-cloudwatch";
import { GetRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  CreateEndpointCommand,
  CreateEndpointConfigCommand,
  CreateModelCommand,
  DeleteEndpointCommand,
  DescribeEndpointCommand,
  ListModelsCommand,
  SageMakerClient,
  waitUntilEndpointInService,
} from "@aws-sdk/client-sagemaker";
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import * as pulumi from "@pulumi/pulumi";
import { createEmulator } from "../../emulator/emulator.ts";
import type { Emulator } from "../../emulator/emulator.ts";
import { actorCalls } from "../../emulator/iam/actors.ts";
import { FakeFleet, testImage, testRole } from "../../emulator/testing/fake-aws.ts";
import { allow, createExecutionRole, createRole, sessionOf } from "../../emulator/testing/roles.ts";
import type { Statement } from "../../emulator/testing/roles.ts";
import { arn, goodConfig, goodModel } from "../../emulator/testing/sagemaker-fixture.ts";
import { sdkConfig, signed, testAccount, testRegion } from "../../emulator/testing/test-gateway.ts";
import { hostNamespace } from "../../infra/endpoint-metrics.ts";
import { errorsAlarm } from "../../emulator/services/cloudwatch/harness.ts";
import { executionPolicy } from "../../infra/iam/execution-role.ts";
import { callerPolicy } from "../../infra/iam/caller-policy.ts";
import { statements } from "../../infra/testing/documents.ts";
import { locationArns } from "../../infra/video-locations.ts";
import { ministackPython, servingPython } from "../../tools/paths.mjs";

const account = { id: testAccount, partition: "aws", region: testRegion };
const locations = locationArns(account, {
  inputBucket: "videos",
  inputPrefix: "input/",
  outputBucket: "results",
  resultPrefix: "out/",
  failurePrefix: "failed/",
  jobPrefix: "jobs/",
});
const valueOf = (document: object): Promise<unknown> =>
  new Promise((resolve) => {
    pulumi.output(document).apply(resolve);
  });
const endpoint = arn("endpoint", "endpoint");
const alarm = (name: string) => `arn:aws:cloudwatch:${testRegion}:${testAccount}:alarm:${name}`;
const linkedRole =
  "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint";
const target = {
  ServiceNamespace: "sagemaker",
  ResourceId: "endpoint/endpoint/variant/video",
  ScalableDimension: "sagemaker:variant:DesiredInstanceCount",
  MinCapacity: 0,
  MaxCapacity: 1,
} as const;

describe("A role on the emulator", function () {
  this.timeout(120_000);
  let folder: string;
  let aws: Emulator;
  let admin: Clients;
  let made = 0;

  type Clients = ReturnType<typeof clients>;
  const clients = (credentials = aws.credentials) => {
    const config = sdkConfig(aws, credentials);
    return {
      sagemaker: new SageMakerClient(config),
      runtime: new SageMakerRuntimeClient(config),
      scaling: new ApplicationAutoScalingClient(config),
      cloudWatch: new CloudWatchClient(config),
      iam: new IAMClient(config),
    };
  };
  /** Creates a role with these statements; returns the clients of a session, and its ARN. */
  const role = async (...own: readonly Statement[]) => {
    made += 1;
    const name = `role-${made}`;
    const session = await sessionOf(aws, name, { allow: own });
    return { ...clients(session), arn: `arn:aws:sts::${testAccount}:assumed-role/${name}/test` };
  };
  const denied = async (sending: Promise<unknown>, name: string, who: { arn: string }, what: string, on?: string) => {
    const where = on === undefined ? "" : ` on resource: ${on}`;
    const message = `User: ${who.arn} is not authorized to perform: ${what}${where} because no identity-based policy allows the ${what} action`;
    await assert.rejects(sending, { name, message });
  };
  const deny = (sending: Promise<unknown>, who: { arn: string }, what: string, on?: string) =>
    denied(sending, "AccessDeniedException", who, what, on);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "iam-"));
    const fleet = new FakeFleet();
    const sageMaker = { launcherFor: fleet.launcherFor.bind(fleet) };
    aws = await createEmulator({ port: 0, stateDir: join(folder, "aws"), ministackPython, servingPython, sageMaker });
    admin = clients();
    const s3 = new S3Client({ ...sdkConfig(aws, aws.credentials), forcePathStyle: true });
    for (const Bucket of ["models", "videos", "results"]) await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket: "models", Key: "model.tar.gz", Body: "tar" }));
    await s3.send(new PutObjectCommand({ Bucket: "videos", Key: "input/video.mp4", Body: "video" }));
    const sns = new SNSClient(sdkConfig(aws, aws.credentials));
    for (const Name of ["success", "error"]) await sns.send(new CreateTopicCommand({ Name }));
    await createExecutionRole(aws);
    await admin.sagemaker.send(new CreateModelCommand(goodModel));
    await admin.sagemaker.send(new CreateEndpointConfigCommand(goodConfig));
    await admin.sagemaker.send(new CreateEndpointCommand({ EndpointName: "endpoint", EndpointConfigName: "config" }));
    const waiting = { client: admin.sagemaker, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
    await waitUntilEndpointInService(waiting, { EndpointName: "endpoint" });
  });
  after(async () => {
    await aws.stop();
    await rm(folder, { recursive: true, force: true });
  });

  describe("that may describe one endpoint", () => {
    let reader: Awaited<ReturnType<typeof role>>;

    before(async () => {
      reader = await role(allow("See", "sagemaker:DescribeEndpoint", endpoint));
    });

    it("describes it", async () => {
      const { EndpointArn } = await reader.sagemaker.send(new DescribeEndpointCommand({ EndpointName: "endpoint" }));
      assert.equal(EndpointArn, endpoint);
    });

    it("does not describe another one, not even to see that there is none", async () => {
      const sending = reader.sagemaker.send(new DescribeEndpointCommand({ EndpointName: "other" }));
      await deny(sending, reader, "sagemaker:DescribeEndpoint", arn("endpoint", "other"));
    });

    it("creates no model, with AWS's words", async () => {
      const sending = reader.sagemaker.send(new CreateModelCommand({ ...goodModel, ModelName: "new" }));
      await deny(sending, reader, "sagemaker:CreateModel", arn("model", "new"));
    });

    it("lists no models, with AWS's words for an action without a resource", async () => {
      await deny(reader.sagemaker.send(new ListModelsCommand({})), reader, "sagemaker:ListModels");
    });

    it("deletes no alarm, with CloudWatch's code", async () => {
      const sending = reader.cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: ["alarm"] }));
      await denied(sending, "AccessDenied", reader, "cloudwatch:DeleteAlarms", alarm("alarm"));
    });
  });

  describe("that may create models", () => {
    const create = allow("Create", "sagemaker:CreateModel", arn("model", "*"));
    const pass = (service: string) => ({
      ...allow("Pass", "iam:PassRole", testRole),
      Condition: { StringEquals: { "iam:PassedToService": service } },
    });
    const model = (ModelName: string) => new CreateModelCommand({ ...goodModel, ModelName });

    it("needs iam:PassRole for the model's role", async () => {
      const creator = await role(create);
      await deny(creator.sagemaker.send(model("no-pass")), creator, "iam:PassRole", testRole);
    });

    it("needs it for SageMaker, not for another service", async () => {
      const creator = await role(create, pass("ec2.amazonaws.com"));
      await deny(creator.sagemaker.send(model("other-service")), creator, "iam:PassRole", testRole);
    });

    it("creates one if it may pass the role to SageMaker", async () => {
      const creator = await role(create, pass("sagemaker.amazonaws.com"));
      assert.equal((await creator.sagemaker.send(model("passed"))).ModelArn, arn("model", "passed"));
    });

    it("needs sagemaker:AddTags for a model with tags", async () => {
      const creator = await role(create, pass("sagemaker.amazonaws.com"));
      const tagged = new CreateModelCommand({ ...goodModel, ModelName: "tags", Tags: [{ Key: "k", Value: "v" }] });
      await deny(creator.sagemaker.send(tagged), creator, "sagemaker:AddTags", arn("model", "tags"));
    });
  });

  describe("with the stack's execution policy", () => {
    const key = `arn:aws:kms:${testRegion}:${testAccount}:key/1234`;
    const topic = `arn:aws:sns:${testRegion}:${testAccount}:success`;
    const logGroup = `arn:aws:logs:${testRegion}:${testAccount}:log-group:/aws/sagemaker/Endpoints/video-1`;
    const resources: Readonly<Record<string, string>> = {
      artifact: "arn:aws:s3:::videos/models/model.tar.gz",
      input: "arn:aws:s3:::videos/input/video.mp4",
      result: "arn:aws:s3:::results/out/1.out",
      "failure object": "arn:aws:s3:::results/failed/1-error.out",
      topic,
      "log group of the endpoint": `${logGroup}:log-stream:`,
      "log streams of the endpoint": `${logGroup}:log-stream:video/i-1`,
      "repository of the image": `arn:aws:ecr:${testRegion}:763104351884:repository/pytorch-inference`,
      "network interfaces": `arn:aws:ec2:${testRegion}:${testAccount}:network-interface/*`,
      "roll-back alarms": alarm("errors"),
      "*": "*",
    };

    it("may make every call that SageMaker makes as the execution role", async () => {
      const policy = executionPolicy({
        account,
        endpointNamePrefix: "video",
        locations,
        modelPrefix: "models/",
        topicArns: [topic],
        keyArn: key,
        rollbackAlarms: ["errors"],
        image: testImage,
        sourceBuckets: [],
        network: { subnetIds: ["subnet-1"], securityGroupIds: ["sg-1"] },
      });
      const principal = { Service: "sagemaker.amazonaws.com" };
      const roleArn = await createRole(aws, "execution", { allow: statements(await valueOf(policy)), principal });
      const missing: string[] = [];
      const notOfThisProgram: ReadonlySet<string> = new Set<keyof typeof actorCalls>([
        "start of an instance with an encrypted volume",
        "CreateModel with uncompressed data",
        "start of an instance with uncompressed data",
      ]);
      for (const [when, calls] of Object.entries(actorCalls)) {
        if (notOfThisProgram.has(when)) continue;
        for (const { action, resource } of calls.filter((call) => call.as === "execution role")) {
          const on = resource.startsWith("key of ") ? key : resources[resource];
          assert.ok(on, `The test knows no ${resource}.`);
          const url = `${aws.url}/_local/explain`;
          const context = action === "cloudwatch:PutMetricData" ? { "cloudwatch:namespace": hostNamespace } : {};
          const body = JSON.stringify({ roleArn, action, resources: [on], context });
          const request = await signed(url, { service: "sts", credentials: aws.credentials, body });
          const decision = (await (await fetch(url, request)).json()) as { allowed: boolean };
          if (!decision.allowed) missing.push(`${when}: ${action} on ${on}`);
        }
      }
      assert.deepEqual(missing, []);
    });
  });

  describe("with the stack's policy for callers", () => {
    let caller: Awaited<ReturnType<typeof role>>;

    before(async () => {
      const policy = callerPolicy({
        account,
        endpointArn: endpoint,
        locations,
        keyArn: `arn:aws:kms:${testRegion}:${testAccount}:key/1234`,
        sourceBuckets: [],
      });
      caller = await role(...statements(await valueOf(policy)));
    });

    it("invokes the endpoint", async () => {
      const input = { EndpointName: "endpoint", InputLocation: "s3://videos/input/video.mp4" };
      const { OutputLocation } = await caller.runtime.send(new InvokeEndpointAsyncCommand(input));
      assert.match(OutputLocation ?? "", /^s3:\/\/results\/out\//);
    });

    it("does not delete it", async () => {
      const sending = caller.sagemaker.send(new DeleteEndpointCommand({ EndpointName: "endpoint" }));
      await deny(sending, caller, "sagemaker:DeleteEndpoint", endpoint);
    });
  });

  describe("that registers the account's first scalable target", () => {
    const register = new RegisterScalableTargetCommand(target);
    const own = allow("Scale", "application-autoscaling:RegisterScalableTarget");
    const use = allow("Use", [
      "sagemaker:DescribeEndpoint",
      "sagemaker:DescribeEndpointConfig",
      "sagemaker:UpdateEndpointWeightsAndCapacities",
      "cloudwatch:DescribeAlarms",
    ]);
    const alarms = ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"];
    const createRole = {
      ...allow("Link", "iam:CreateServiceLinkedRole", `arn:aws:iam::${testAccount}:${linkedRole}`),
      Condition: { StringEquals: { "iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com" } },
    };
    const findRole = () =>
      admin.iam.send(new GetRoleCommand({ RoleName: linkedRole.slice(linkedRole.lastIndexOf("/") + 1) }));

    it("needs the permission to create the service-linked role", async () => {
      const scaler = await role(own, use, allow("Alarms", alarms));
      const linked = `arn:aws:iam::${testAccount}:${linkedRole}`;
      await deny(scaler.scaling.send(register), scaler, "iam:CreateServiceLinkedRole", linked);
      await assert.rejects(findRole(), { name: "NoSuchEntityException" });
    });

    it("needs permissions for alarms without a name, as Application Auto Scaling tests them", async () => {
      const scaler = await role(own, use, createRole, allow("Alarms", alarms, alarm("video-*")));
      const message = "User is missing the following permissions: cloudwatch:PutMetricAlarm, cloudwatch:DeleteAlarms";
      await assert.rejects(scaler.scaling.send(register), { name: "ValidationException", message });
    });

    it("registers it with these permissions, and the role exists", async () => {
      const scaler = await role(own, use, createRole, allow("Alarms", alarms, alarm("")));
      await scaler.scaling.send(register);
      assert.equal((await findRole()).Role?.Arn, `arn:aws:iam::${testAccount}:${linkedRole}`);
    });
  });

  it("is limited by the tags of an alarm", async () => {
    const operator = await role({
      ...allow("Delete", "cloudwatch:DeleteAlarms"),
      Condition: { StringEquals: { "aws:ResourceTag/stack": "dev" } },
    });
    for (const stack of ["dev", "prod"]) {
      const Tags = [{ Key: "stack", Value: stack }];
      await admin.cloudWatch.send(new PutMetricAlarmCommand({ AlarmName: stack, ...errorsAlarm, Tags }));
    }
    await operator.cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: ["dev"] }));
    const sending = operator.cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: ["prod"] }));
    await denied(sending, "AccessDenied", operator, "cloudwatch:DeleteAlarms", alarm("prod"));
  });
});
