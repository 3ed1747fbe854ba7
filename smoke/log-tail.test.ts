import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { connect } from "../client/src/index.ts";
import type { Stack } from "../client/src/index.ts";
import { startFakeAws } from "../client/testing/fake-aws.ts";
import type { FakeAws } from "../client/testing/fake-aws.ts";
import { logTail } from "./log-tail.ts";

describe("the end of an endpoint's log", () => {
  let aws: FakeAws;
  let stack: Stack;

  beforeEach(async () => {
    aws = await startFakeAws();
  });

  afterEach(async () => {
    stack.close();
    await aws[Symbol.asyncDispose]();
  });

  describe("on the emulator", () => {
    let folder: string;

    beforeEach(async () => {
      stack = connect(aws.outputs);
      folder = await mkdtemp(join(tmpdir(), "logs-"));
      await mkdir(join(folder, "video"));
    });

    afterEach(async () => {
      await rm(folder, { recursive: true });
    });

    it("is that of the instance that wrote last", async () => {
      const lines = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`);
      await writeFile(join(folder, "video", "1.log"), "old\n");
      await utimes(join(folder, "video", "1.log"), 1, 1);
      await writeFile(join(folder, "video", "2.log"), `${lines.join("\n")}\n`);
      const [title, ...shown] = await logTail(stack, folder);
      assert.equal(title, `log: the end of ${join(folder, "video")}:`);
      assert.deepEqual(
        shown,
        lines.slice(5).map((line) => `  | ${line}`),
      );
    });

    it("is reported as empty if no instance has started", async () => {
      assert.deepEqual(await logTail(stack, folder), [`log: ${join(folder, "video")} is empty`]);
    });
  });

  describe("on AWS", () => {
    const names = ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;
    const before = names.map((name) => process.env[name]);

    beforeEach(() => {
      Object.assign(process.env, { AWS_ENDPOINT_URL: aws.url, AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" });
      const { awsEndpointUrl, ...outputs } = aws.outputs;
      assert.ok(awsEndpointUrl);
      stack = connect(outputs);
    });

    afterEach(() => {
      for (const [index, name] of names.entries()) {
        const value = before[index];
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    });

    it("is that of CloudWatch's newest log stream", async () => {
      aws.answers.set("DescribeLogStreams", { logStreams: [{ logStreamName: "main/i-1" }] });
      aws.answers.set("GetLogEvents", {
        events: [{ message: "Worker died.\n ::add-mask::x ##[error]\u001b[2K\n" }, { message: "Out of memory" }],
      });
      assert.deepEqual(await logTail(stack), [
        "log: the end of CloudWatch log group /aws/sagemaker/Endpoints/video:",
        "  | Worker died.",
        String.raw`  |  \x3a:add-mask::x #\x23[error]\x1b[2K`,
        "  | Out of memory",
      ]);
      const asked = aws.requests.find(({ operation }) => operation === "GetLogEvents");
      const { logStreamName } = JSON.parse(String(asked?.body)) as { logStreamName: string };
      assert.equal(logStreamName, "main/i-1");
    });

    it("is reported as unreadable if the log group may not be read", async () => {
      const answer = { status: 400, code: "AccessDeniedException", message: "no" };
      aws.fail({ operation: "DescribeLogStreams", answer });
      const [line, ...more] = await logTail(stack);
      assert.match(line ?? "", /^log: CloudWatch log group .* cannot be read: AccessDeniedException: no/);
      assert.deepEqual(more, []);
    });
  });
});
