/** Tests the gateway with MiniStack behind it, through SDK clients and raw requests. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, describe, it } from "mocha";
import { CloudWatchClient, ListMetricsCommand } from "@aws-sdk/client-cloudwatch";
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { Upload } from "@aws-sdk/lib-storage";
import { VirtualClock } from "../core/virtual-clock.ts";
import { GatewayError, startGateway } from "./gateway.ts";
import type { Gateway } from "./gateway.ts";
import { startMiniStack } from "../ministack.ts";
import { startTestAws } from "../testing/test-aws.ts";
import {
  noContainers,
  permissiveLauncher,
  sdkConfig,
  signed,
  startTestGateway,
  testAccount,
  testCredentials,
  testRegion,
} from "../testing/test-gateway.ts";
import type { RawRequest } from "../testing/test-gateway.ts";

/** A date in another year: answers with this date were stamped by the gateway. */
const now = new Date("2031-05-06T07:08:09Z");
const unsignedPayload = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };

describe("The gateway", () => {
  let gateway: Gateway;
  let s3: S3Client;

  before(async function () {
    this.timeout(60_000);
    gateway = await startTestAws(new VirtualClock(now.getTime()));
    s3 = new S3Client(sdkConfig(gateway));
    await s3.send(new CreateBucketCommand({ Bucket: "videos" }));
  });
  after(async function () {
    this.timeout(60_000);
    s3.destroy();
    await gateway.stop();
  });

  const send = async (path: string, request: RawRequest) =>
    fetch(`${gateway.url}${path}`, await signed(`${gateway.url}${path}`, request));

  describe("passes on to MiniStack", () => {
    for (const key of ["a.mp4", "a/b c/ü+%20&=?#.mp4", "//a"]) {
      it(`objects with keys such as ${key}`, async () => {
        await s3.send(new PutObjectCommand({ Bucket: "videos", Key: key, Body: key, ContentType: "video/mp4" }));
        const { Body, ContentType } = await s3.send(new GetObjectCommand({ Bucket: "videos", Key: key }));
        assert.equal(await Body?.transformToString(), key);
        assert.equal(ContentType, "video/mp4");
        const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: "videos", Prefix: key }));
        assert.deepEqual(
          Contents?.map(({ Key }) => Key),
          [key],
        );
      });
    }

    it("large objects in parts, and ranges of them", async () => {
      const bytes = randomBytes(12_000_000);
      const params = { Bucket: "videos", Key: "large", Body: Readable.from([bytes]) };
      await new Upload({ client: s3, params }).done();
      const { Body, ContentLength } = await s3.send(new GetObjectCommand({ Bucket: "videos", Key: "large" }));
      assert.equal(ContentLength, bytes.byteLength);
      const hash = createHash("sha256")
        .update((await Body?.transformToByteArray()) ?? "")
        .digest("hex");
      assert.equal(hash, createHash("sha256").update(bytes).digest("hex"));
      const range = await s3.send(new GetObjectCommand({ Bucket: "videos", Key: "large", Range: "bytes=5-9" }));
      assert.deepEqual(Buffer.from((await range.Body?.transformToByteArray()) ?? []), bytes.subarray(5, 10));
    });

    it("S3's answer for missing objects", async () => {
      await assert.rejects(s3.send(new GetObjectCommand({ Bucket: "videos", Key: "none" })), NoSuchKey);
      await assert.rejects(s3.send(new HeadObjectCommand({ Bucket: "videos", Key: "none" })), NotFound);
    });

    it("messages from topics to queues, whose URLs lead back to the gateway", async () => {
      const sns = new SNSClient(sdkConfig(gateway));
      const sqs = new SQSClient(sdkConfig(gateway));
      const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: "done" }));
      const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: "done" }));
      assert.equal(QueueUrl, `${gateway.url}/${testAccount}/done`);
      const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
      const Endpoint = Attributes?.QueueArn;
      const Policy = JSON.stringify({
        Statement: {
          Effect: "Allow",
          Principal: { Service: "sns.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: Endpoint,
          Condition: { ArnEquals: { "aws:SourceArn": TopicArn } },
        },
      });
      await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
      await sns.send(
        new SubscribeCommand({ TopicArn, Protocol: "sqs", Endpoint, Attributes: { RawMessageDelivery: "true" } }),
      );
      await sns.send(new PublishCommand({ TopicArn, Message: "hello" }));
      const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
      assert.deepEqual(
        Messages?.map(({ Body }) => Body),
        ["hello"],
      );
      sns.destroy();
      sqs.destroy();
    });

    it("the account", async () => {
      const sts = new STSClient(sdkConfig(gateway));
      assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, testAccount);
      sts.destroy();
    });

    it("a client that waits before it sends its body", async () => {
      const url = `${gateway.url}/videos/expected`;
      const { method, headers } = await signed(url, { service: "s3", method: "PUT", body: "hello" });
      const request = httpRequest(url, {
        method,
        headers: { ...headers, Expect: "100-continue", "Content-Length": 5 },
      });
      request.flushHeaders();
      await once(request, "continue");
      request.end("hello");
      const [response] = (await once(request, "response")) as [IncomingMessage];
      response.resume();
      assert.equal(response.statusCode, 200);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: "videos", Key: "expected" }));
      assert.equal(await Body?.transformToString(), "hello");
    });

    it("many requests at once", async () => {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          await s3.send(new PutObjectCommand({ Bucket: "videos", Key: `many/${index}`, Body: String(index) }));
        }),
      );
      const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: "videos", Prefix: "many/" }));
      assert.equal(KeyCount, 100);
    });

    it("a request that breaks off, and serves the next", async () => {
      const url = `${gateway.url}/videos/broken`;
      const { method, headers } = await signed(url, { service: "s3", method: "PUT", headers: unsignedPayload });
      const request = httpRequest(url, { method, headers: { ...headers, "Content-Length": 1_000_000 } });
      request.on("error", () => undefined);
      request.write("half");
      await new Promise((resolve) => setTimeout(resolve, 50));
      request.destroy();
      await assert.rejects(s3.send(new HeadObjectCommand({ Bucket: "videos", Key: "broken" })), NotFound);
    });
  });

  describe("stamps with the local clock", () => {
    it("MiniStack's answers", async () => {
      const answer = await send("/videos/none", { service: "s3" });
      await answer.arrayBuffer();
      assert.equal(answer.headers.get("date"), now.toUTCString());
    });

    it("answers of its services, with a request id", async () => {
      const answer = await send("/", { service: "monitoring", body: "" });
      assert.equal(answer.headers.get("date"), now.toUTCString());
      assert.match(answer.headers.get("x-amzn-requestid") ?? "", /^[0-9a-f-]{36}$/);
    });

    it("so that SDKs which follow its clock still work", async () => {
      const client = new S3Client(sdkConfig(gateway));
      for (const Body of ["one", "two"])
        await client.send(new PutObjectCommand({ Bucket: "videos", Key: "skewed", Body }));
      const { Body } = await client.send(new GetObjectCommand({ Bucket: "videos", Key: "skewed" }));
      assert.equal(await Body?.transformToString(), "two");
      client.destroy();
    });
  });

  it("reports only its health without a signature, and its status with one", async () => {
    assert.equal(await (await fetch(`${gateway.url}/_local/health`)).text(), "ok");
    assert.equal((await fetch(`${gateway.url}/_local/status`)).status, 403);
    const status = await send("/_local/status", { service: "sts" });
    assert.deepEqual(await status.json(), { endpoints: ["one"] });
  });

  it("refuses an unknown service by name, in the client's protocol", async () => {
    const headers = { "x-amz-target": "DynamoDB_20120810.ListTables" };
    const json = await send("/", { service: "dynamodb", headers, body: "{}" });
    assert.equal(json.status, 501);
    assert.deepEqual(await json.json(), {
      __type: "NotImplementedException",
      message: "The emulator does not implement dynamodb.",
    });
    const query = await send("/", { service: "rds", body: new URLSearchParams({ Action: "DescribeDBInstances" }) });
    assert.equal(query.status, 501);
    assert.match(
      await query.text(),
      /<Code>NotImplementedException<\/Code><Message>The emulator does not implement rds\./,
    );
  });

  it("refuses another region for its services", async () => {
    const small = await startTestGateway([{ model: "sagemaker", handlers: {} }]);
    const request = { service: "sagemaker", region: "eu-west-1", headers: { "x-amz-target": "SageMaker.ListModels" } };
    const answer = await fetch(small.url, await signed(small.url, { ...request, body: "{}" }));
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /serves sagemaker in us-east-1; the request was signed for eu-west-1/);
    await small.stop();
  });

  it("holds the clock while one of its services answers, so that an answer has the date of its request", async () => {
    const clock = new VirtualClock(0);
    const holds: number[] = [];
    const held = await startTestGateway(
      [
        {
          model: "cloudwatch",
          handlers: {
            ListMetrics: () => {
              holds.push(clock.holds);
              return Promise.resolve({ Metrics: [] });
            },
          },
        },
      ],
      clock,
    );
    const cloudwatch = new CloudWatchClient(sdkConfig(held));
    await cloudwatch.send(new ListMetricsCommand({}));
    assert.deepEqual([holds, clock.holds], [[1], 0]);
    cloudwatch.destroy();
    await held.stop();
  });

  it("refuses a port that is in use, and names the option for another one", async () => {
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    await assert.rejects(
      startGateway({
        port,
        credentials: testCredentials,
        launcher: permissiveLauncher,
        containers: noContainers,
        upstream: { path: "/nonexistent/ministack", ready: Promise.resolve() },
        corsRules: () => Promise.resolve([]),
        upstreamServices: [],
        clock: new VirtualClock(0),
        region: testRegion,
        accountId: testAccount,
        services: new Map(),
        awaitMoment: () => undefined,
        status: () => ({}),
      }),
      (error: unknown) => {
        assert.ok(error instanceof GatewayError);
        assert.match(error.message, new RegExp(`Port ${port} .* is taken by another process.*--port`));
        return true;
      },
    );
    taken.close();
  });

  it("refuses a body for its services that is too large", async () => {
    const small = await startTestGateway([{ model: "cloudwatch", handlers: {} }]);
    const request = await signed(small.url, { service: "monitoring", body: new Uint8Array(5 * 1024 * 1024) });
    const answer = await fetch(small.url, request).catch((error: unknown) => error);
    // The server may close the connection before the client has sent all.
    assert.ok(answer instanceof Error || (answer instanceof Response && answer.status === 413));
    await small.stop();
  });

  it("reports that MiniStack does not answer", async () => {
    const isolated = await startTestGateway([]);
    const url = `${isolated.url}/bucket/key`;
    const answer = await fetch(url, await signed(url, { service: "s3" }));
    assert.equal(answer.status, 503);
    assert.match(await answer.text(), /<Code>ServiceUnavailable<\/Code>.*MiniStack/);
    await isolated.stop();
  });
});

describe("MiniStack", () => {
  it("that cannot start is reported with the end of its log", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ministack-"));
    const ministack = await startMiniStack({
      // A Python without MiniStack.
      python: "python3",
      socketPath: join(folder, "ministack"),
      gatewayPort: 2,
      accountId: testAccount,
      region: testRegion,
      credentials: testCredentials,
      launcherToken: "token",
      stateDir: folder,
      logFile: join(folder, "ministack.log"),
    });
    await assert.rejects(ministack.ready, /MiniStack ended before it was ready \(exit status 1\)[^]*No module named/);
    await rm(folder, { recursive: true, force: true });
  });
});
