/** For tests: set-ups of a stack, right ones and wrong ones, and the tasks that show whether they work. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DescribeAlarmHistoryOutput } from "@aws-sdk/client-cloudwatch";
import { CreateOpenIDConnectProviderCommand, CreateRoleCommand, IAMClient } from "@aws-sdk/client-iam";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import type { DescribeEndpointOutput } from "@aws-sdk/client-sagemaker";
import type { InvokeEndpointAsyncOutput } from "@aws-sdk/client-sagemaker-runtime";
import { CreateTopicCommand, SetTopicAttributesCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Alarms } from "../core/alarms.ts";
import { actionsOf } from "../iam/actors.ts";
import { authorizationOf } from "../iam/authorization.ts";
import { LauncherAuthorizer } from "../iam/authorizer.ts";
import { ModelServer } from "../model-server/model-server.ts";
import { parseS3Location } from "../s3-location.ts";
import { caller } from "../services/application-autoscaling/harness.ts";
import { monitoring } from "../services/cloudwatch/service.ts";
import { executionActor } from "../services/sagemaker/dependencies.ts";
import { SageMaker } from "../services/sagemaker/service.ts";
import { fakeAws } from "./fake-aws.ts";
import { allow, createRole, policyOf, sessionOf } from "./roles.ts";
import { goodConfig, goodModel } from "./sagemaker-fixture.ts";
import { startTestAws } from "./test-aws.ts";
import { sdkConfig, testAccount, testRegion } from "./test-gateway.ts";

/** A set-up: one of its members is wrong in each test. */
export interface Setup {
  /** Services that the key's policy names. */
  readonly keyServices: readonly string[];
  /** Topic that the queue's policy names. */
  readonly queueSource: string;
  /** Service that the execution role trusts. */
  readonly trusted: string;
  /** Actions of the execution role. */
  readonly execution: readonly string[];
  /** Service to which the deploy role may pass the execution role. */
  readonly passedTo: string;
  /** Actions within the execution role's boundary. */
  readonly boundary: readonly string[];
  /** Subject that the deploy role trusts. */
  readonly subject: string;
}

const execution = [
  ...["s3:GetObject", "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey", "sns:Publish"],
  ...actionsOf("start of an instance", "ecr"),
  ...actionsOf("output of a container", "logs"),
];
/** Returns the actions that an execution role needs, without one. */
export const without = (action: string): readonly string[] => execution.filter((one) => one !== action);
/** Subject of the tokens that the workflow gets. */
export const subject = "repo:Owner/videos:environment:dev";
/** A set-up that works. */
export const right: Setup = {
  keyServices: ["cloudwatch.amazonaws.com", "sns.amazonaws.com"],
  queueSource: "alarms",
  trusted: "sagemaker.amazonaws.com",
  execution,
  passedTo: "sagemaker.amazonaws.com",
  boundary: execution,
  subject,
};

const arn = (service: string, name: string): string => `arn:aws:${service}:${testRegion}:${testAccount}:${name}`;
const account = { ...allow("Account", "kms:*"), Principal: { AWS: `arn:aws:iam::${testAccount}:root` } };

const clientsOf = (config: ReturnType<typeof sdkConfig>) => ({
  iam: new IAMClient(config),
  kms: new KMSClient(config),
  s3: new S3Client({ ...config, forcePathStyle: true }),
  sns: new SNSClient(config),
  sqs: new SQSClient(config),
});

const errorOf = async (place: string, call: Promise<unknown>): Promise<Seen> => {
  try {
    await call;
    return {};
  } catch (error) {
    return { place, message: (error as Error).message };
  }
};

/** Asks every 10 ms until there is an answer, for up to 30 s. */
const eventually = async <Answer>(ask: () => Answer | undefined | Promise<Answer | undefined>): Promise<Answer> => {
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(10);
  }
  throw new Error("There is no answer after 30 s.");
};

/** A task that needs the set-up. */
export type Task = "alarm" | "video" | "deployment" | "login";

/** The error that a user of AWS sees; empty if the task succeeds. */
export interface Seen {
  readonly place?: string;
  readonly message?: string | undefined;
}

/** An emulated AWS for set-ups. */
export interface SetupEnvironment {
  /** Deploys a set-up, and does a task with it. */
  attempt(task: Task, setup: Setup): Promise<Seen>;
  stop(): Promise<void>;
}

/**
 * Starts it.
 * @throws {MiniStackError}
 */
export async function startSetups(): Promise<SetupEnvironment> {
  await using parts = new AsyncDisposableStack();
  const aws = await startTestAws();
  parts.defer(() => aws.stop());
  const authorizer = new LauncherAuthorizer(aws.launcher);
  const clients = clientsOf(sdkConfig(aws));
  parts.defer(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  const folder = await mkdtemp(join(tmpdir(), "setups-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const model = createServer((request, response) => {
    request.resume().on("end", () => {
      response.end("an answer");
    });
  }).listen(join(folder, "model"));
  await once(model, "listening");
  parts.defer(() => {
    model.close();
  });
  const key = await clients.kms.send(new CreateKeyCommand({ Policy: policyOf(account) }));
  for (const Bucket of ["models", "videos", "results", "failures"]) {
    await clients.s3.send(new CreateBucketCommand({ Bucket }));
  }
  const KMSMasterKeyID = key.KeyMetadata?.Arn;
  const ApplyServerSideEncryptionByDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID } as const;
  const ServerSideEncryptionConfiguration = { Rules: [{ ApplyServerSideEncryptionByDefault }] };
  await clients.s3.send(new PutBucketEncryptionCommand({ Bucket: "results", ServerSideEncryptionConfiguration }));
  await clients.s3.send(new PutObjectCommand({ Bucket: "models", Key: "model.tar.gz", Body: "an artifact" }));
  await clients.s3.send(new PutObjectCommand({ Bucket: "videos", Key: "a.mp4", Body: "a video" }));
  for (const Name of ["success", "error"]) await clients.sns.send(new CreateTopicCommand({ Name }));
  const provider = { Url: "https://token.actions.githubusercontent.com", ClientIDList: ["sts.amazonaws.com"] };
  await clients.iam.send(new CreateOpenIDConnectProviderCommand(provider));
  const fake = fakeAws();
  parts.defer(() => {
    fake.clock.stop();
  });
  const stop = () => Promise.resolve();
  const process = { pid: 0, ended: new Promise<string>(() => undefined), stop };
  const server = { socket: { socketPath: join(folder, "model"), token: "" }, process };
  const { callAs, roles } = aws.ports;
  const sagemaker = new SageMaker({
    ...fake.dependencies,
    callAs,
    roles,
    authorizer,
    instanceQuota: 100,
    launcherFor: ({ roleArn }) => {
      const { objects } = callAs(executionActor(roleArn));
      return { launch: () => Promise.resolve(new ModelServer({ server, objects, cleanUp: stop })) };
    },
  });
  parts.defer(() => sagemaker.stop());

  const now = () => new Date(fake.clock.now());
  const control = caller(sagemaker.control, now);
  const runtime = caller(sagemaker.runtime, now);
  /** Lets an alarm publish; returns what its history says. */
  const historyOf = async (topicArn: string): Promise<string> => {
    const { clock, metrics } = fake;
    const publish = (sourceArn: string, to: string, message: string, title: string) =>
      aws.ports
        .callAs({ service: "cloudwatch.amazonaws.com", sourceArn, sourceAccount: testAccount })
        .topics.publish(to, message, title);
    const place = { region: testRegion, accountId: testAccount };
    const cloudwatch = caller(
      monitoring({ ...place, clock, metrics, publish, alarms: new Alarms({ clock, metrics }) }),
      now,
    );
    const watched = { Namespace: "N", MetricName: "M", Statistic: "Sum", Period: 60, EvaluationPeriods: 1 };
    const limit = { Threshold: 1, ComparisonOperator: "GreaterThanThreshold" };
    await cloudwatch("PutMetricAlarm", { AlarmName: "errors", AlarmActions: [topicArn], ...watched, ...limit });
    await cloudwatch("SetAlarmState", { AlarmName: "errors", StateValue: "ALARM", StateReason: "a drill" });
    return await eventually(async () => {
      const actions = { AlarmName: "errors", HistoryItemType: "Action" };
      const { AlarmHistoryItems = [] } = await cloudwatch<DescribeAlarmHistoryOutput>("DescribeAlarmHistory", actions);
      return AlarmHistoryItems[0]?.HistorySummary;
    });
  };
  const contentOf = async (uri = ""): Promise<string | undefined> => {
    const { bucket: Bucket, key: Key } = parseS3Location(uri) ?? assert.fail(uri);
    try {
      return await (await clients.s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
    } catch (error) {
      if ((error as Error).name === "NoSuchKey") return undefined;
      throw error;
    }
  };

  const tasks: Readonly<Record<Task, (setup: Setup, name: string) => Promise<Seen>>> = {
    /** An alarm publishes to an encrypted topic, which delivers to an encrypted queue. */
    async alarm({ keyServices, queueSource }, name) {
      const { kms, sns, sqs } = clients;
      const services = keyServices.map((Service) => {
        return { ...allow("Use", ["kms:Decrypt", "kms:GenerateDataKey"]), Principal: { Service } };
      });
      const key = await kms.send(new CreateKeyCommand({ Policy: policyOf(account, ...services) }));
      const KmsMasterKeyId = key.KeyMetadata?.Arn ?? "";
      const topic = { Name: `${name}-alarms`, Attributes: { KmsMasterKeyId } };
      const { TopicArn = "" } = await sns.send(new CreateTopicCommand(topic));
      const alarms = {
        ...allow("Alarms", "sns:Publish", TopicArn),
        Principal: { Service: "cloudwatch.amazonaws.com" },
      };
      const policy = { AttributeName: "Policy", AttributeValue: policyOf(alarms) };
      await sns.send(new SetTopicAttributesCommand({ TopicArn, ...policy }));
      const Policy = policyOf({
        ...allow("Topic", "sqs:SendMessage", arn("sqs", name)),
        Principal: { Service: "sns.amazonaws.com" },
        Condition: { ArnEquals: { "aws:SourceArn": arn("sns", `${name}-${queueSource}`) } },
      });
      const queue = { QueueName: name, Attributes: { Policy, KmsMasterKeyId } };
      const { QueueUrl } = await sqs.send(new CreateQueueCommand(queue));
      await sns.send(new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint: arn("sqs", name) }));
      const before = (await aws.launcher.denials()).length;
      const history = await historyOf(TopicArn);
      if (!history.startsWith("Successfully")) return { place: "history of the alarm", message: history };
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      if (Messages.length > 0) return {};
      const [denial] = (await aws.launcher.denials()).slice(before);
      return { place: "/_local/denials", message: denial?.message };
    },

    /** An endpoint starts and analyses a video. */
    async video({ trusted, execution: actions, boundary }, name) {
      const principal = { Service: trusted };
      const ExecutionRoleArn = await createRole(aws, name, {
        principal,
        allow: [allow("Work", actions)],
        boundary: [allow("Limit", boundary)],
      });
      const input = { ...goodModel, ModelName: name, ExecutionRoleArn };
      const refused = await errorOf("error of CreateModel", control("CreateModel", input));
      if (refused.message !== undefined) return refused;
      const { AsyncInferenceConfig } = goodConfig;
      const places = { S3OutputPath: `s3://results/${name}`, S3FailurePath: `s3://failures/${name}` };
      const OutputConfig = { ...AsyncInferenceConfig.OutputConfig, ...places };
      await control("CreateEndpointConfig", {
        EndpointConfigName: name,
        ProductionVariants: [{ ...goodConfig.ProductionVariants[0], ModelName: name }],
        AsyncInferenceConfig: { ...AsyncInferenceConfig, OutputConfig },
      });
      await control("CreateEndpoint", { EndpointName: name, EndpointConfigName: name });
      const { FailureReason } = await eventually(async () => {
        const found = await control<DescribeEndpointOutput>("DescribeEndpoint", { EndpointName: name });
        return found.EndpointStatus === "Creating" ? undefined : found;
      });
      if (FailureReason !== undefined) return { place: "FailureReason of the endpoint", message: FailureReason };
      const job = { EndpointName: name, InputLocation: "s3://videos/a.mp4" };
      const { OutputLocation, FailureLocation } = await runtime<InvokeEndpointAsyncOutput>("InvokeEndpointAsync", job);
      return await eventually(async () => {
        if ((await contentOf(OutputLocation)) !== undefined) return {};
        const content = await contentOf(FailureLocation);
        if (content === undefined) return undefined;
        const { failureReason } = JSON.parse(content) as { failureReason: string };
        return { place: "failure object", message: failureReason };
      });
    },

    /** A deploy role creates a model. */
    async deployment({ passedTo }, name) {
      const principal = { Service: "sagemaker.amazonaws.com" };
      const read = allow("Artifact", "s3:GetObject");
      const ExecutionRoleArn = await createRole(aws, `${name}-execution`, { principal, allow: [read] });
      const Condition = { StringEquals: { "iam:PassedToService": passedTo } };
      const pass = { ...allow("Pass", "iam:PassRole", ExecutionRoleArn), Condition };
      const { accessKeyId } = await sessionOf(aws, name, {
        allow: [allow("Models", "sagemaker:CreateModel"), pass],
      });
      const authorize = authorizationOf(sagemaker.control, authorizer, aws.credentials.accessKeyId);
      const input = { ...goodModel, ModelName: name, ExecutionRoleArn };
      const context = { region: testRegion, accountId: testAccount, requestId: "r", accessKeyId, now: now() };
      const creation = authorize("CreateModel", input, context).then(() => control("CreateModel", input));
      return await errorOf("error of CreateModel", creation);
    },

    /** A workflow on GitHub assumes the deploy role. */
    async login({ subject: trusted }, name) {
      const issuer = "token.actions.githubusercontent.com";
      const AssumeRolePolicyDocument = policyOf({
        Effect: "Allow",
        Principal: { Federated: `arn:aws:iam::${testAccount}:oidc-provider/${issuer}` },
        Action: "sts:AssumeRoleWithWebIdentity",
        Condition: { StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com", [`${issuer}:sub`]: trusted } },
      });
      const { Role } = await clients.iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
      const claims = { iss: `https://${issuer}`, aud: "sts.amazonaws.com", sub: subject };
      const [head, body] = [{ alg: "none" }, claims].map((part) =>
        Buffer.from(JSON.stringify(part)).toString("base64url"),
      );
      const token = { RoleArn: Role?.Arn, RoleSessionName: "workflow", WebIdentityToken: `${head}.${body}.` };
      const sts = new STSClient({ endpoint: aws.url, region: testRegion, maxAttempts: 1 });
      const assumed = sts.send(new AssumeRoleWithWebIdentityCommand(token));
      return await errorOf("error of AssumeRoleWithWebIdentity", assumed).finally(() => {
        sts.destroy();
      });
    },
  };

  const running = parts.move();
  let made = 0;
  return {
    async attempt(task, setup) {
      made += 1;
      return await tasks[task](setup, `setup-${made}`);
    },
    stop: () => running.disposeAsync(),
  };
}
