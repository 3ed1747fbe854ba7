import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { findType, tokens } from "./registry.ts";
import { startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import { CheckRefusal } from "./testing/resource.ts";

describe("the provider's service", () => {
  let fake: FakeAws;
  let provider: TestProvider;

  beforeEach(async () => {
    fake = await startFakeAws({});
    provider = await startTestProvider(fake.endpoint);
  });

  afterEach(async () => {
    await provider.stop();
    await fake.stop();
  });

  it("implements the types of the video stack and the bootstrap", () => {
    assert.equal(tokens.length, 30);
    for (const token of tokens) assert.match(token, /^aws:[a-z0-9]+\/(\w+):(\w+)$/);
  });

  it("lists no property both as an input and as an output", () => {
    for (const token of tokens) {
      const type = findType(token);
      assert.deepEqual(
        Object.keys(type?.outputs ?? {}).filter((name) => name in (type?.fields ?? {})),
        [],
        token,
      );
    }
  });

  it("refuses an unknown type and an unknown function by name, with the fix", async () => {
    await provider.configure({});
    await assert.rejects(
      provider.resource("aws:ec2/vpc:Vpc").check({}),
      (error: unknown) =>
        error instanceof CheckRefusal &&
        /has no type aws:ec2\/vpc:Vpc: leave it out .*aws:s3\/bucket:Bucket/.test(error.failures[""] ?? ""),
    );
    await assert.rejects(provider.invoke("aws:ec2/getAmi:getAmi", {}), /has no function aws:ec2\/getAmi:getAmi/);
  });

  it("returns the caller, the region and the partition", async () => {
    await provider.configure({ region: "eu-west-1" });
    assert.deepEqual(await provider.invoke("aws:index/getCallerIdentity:getCallerIdentity", {}), {
      id: "000000000000",
      accountId: "000000000000",
      arn: "arn:aws:iam::000000000000:root",
      userId: "AIDAEXAMPLE",
    });
    assert.deepEqual(await provider.invoke("aws:index/getRegion:getRegion", {}), {
      id: "eu-west-1",
      name: "eu-west-1",
      region: "eu-west-1",
      description: "Europe (Ireland)",
      endpoint: "ec2.eu-west-1.amazonaws.com",
    });
    assert.deepEqual(await provider.invoke("aws:index/getPartition:getPartition", {}), {
      id: "aws",
      partition: "aws",
      dnsSuffix: "amazonaws.com",
      reverseDnsPrefix: "com.amazonaws",
    });
    const image = { repositoryName: "pytorch-inference", imageTag: "2.6.0" };
    const { registryPath } = await provider.invoke("aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage", image);
    assert.equal(registryPath, "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference:2.6.0");
  });

  it("refuses invalid arguments of a function by name", async () => {
    await provider.configure({});
    await assert.rejects(
      provider.invoke("aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage", { repo: "x" }),
      /repositoryName/,
    );
  });

  it("is configured only for an account that is allowed and not forbidden", async () => {
    await provider.configure({ allowedAccountIds: '["111111111111","000000000000"]' });
    await assert.rejects(
      provider.configure({ allowedAccountIds: '["111111111111"]' }),
      /AWS account ID not allowed: 000000000000 is none of aws:allowedAccountIds \(111111111111\)/,
    );
    await assert.rejects(
      provider.configure({ forbiddenAccountIds: '["000000000000"]' }),
      /000000000000 is one of aws:forbiddenAccountIds/,
    );
  });

  it("refuses calls before it is configured", async () => {
    await assert.rejects(provider.resource("aws:s3/bucket:Bucket").check({}), /has not configured the provider/);
  });

  it("separates the configurations of two engines", async () => {
    await provider.configure({ region: "eu-west-1" });
    const other = provider.connect();
    await other.configure({ region: "us-west-2" });
    const regionOf = async ({ invoke }: Pick<TestProvider, "invoke">): Promise<unknown> =>
      (await invoke("aws:index/getRegion:getRegion", {}))["region"];
    assert.deepEqual([await regionOf(provider), await regionOf(other)], ["eu-west-1", "us-west-2"]);
    other.close();
  });

  it("refuses an unknown setting before anything is configured", async () => {
    assert.match((await provider.checkConfig({ profile: "me" }))["profile"] ?? "", /"aws:profile" is not a setting/);
  });

  it("reports that the emulator does not answer if nothing listens", async () => {
    const { endpoint } = fake;
    await fake.stop();
    await assert.rejects(
      provider.configure({}),
      new RegExp(`GetCallerIdentity failed: ECONNREFUSED: ${endpoint} does not answer .*is the emulator running`),
    );
  });

  it("makes no change that a program ignores", async () => {
    await provider.configure({});
    const queue = provider.resource("aws:sqs/queue:Queue");
    queue.inputs = await queue.check({});
    queue.state = { ...queue.inputs, delaySeconds: 5, tags: { a: "1", b: "2" }, tagsAll: {} };
    const news = { delaySeconds: 7, tags: { a: "2", b: "2" } };
    const ignored = await queue.diff(news, ["delaySeconds", "tags.a", "tagsAll"]);
    assert.deepEqual(ignored.changes, []);
    assert.deepEqual((await queue.diff(news, ["tags", "tagsAll"])).changes, ["delaySeconds"]);
  });
});
