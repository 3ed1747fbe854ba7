import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";

describe("LogGroup", () => {
  let testAws: TestAws;
  let provider: TestProvider;

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  it("is created, keeps its logs for the given days, without limit for 0, and is deleted", async () => {
    const group = provider.resource("aws:cloudwatch/logGroup:LogGroup", "video");
    const wanted = { retentionInDays: 14, tags: { stage: "one" } };
    await group.create(wanted);
    assert.deepEqual(provider.calls(), [
      "CreateLogGroup",
      "PutRetentionPolicy",
      "DescribeLogGroups",
      "ListTagsForResource",
    ]);
    assert.equal(group.id, "video-a1a2a3a");
    assert.equal(group.state["arn"], "arn:aws:logs:us-east-1:000000000000:log-group:video-a1a2a3a");
    await group.assertSettled(wanted);

    const news = { tags: { stage: "two" } };
    provider.calls();
    await group.update(news);
    assert.deepEqual(provider.calls(), [
      "TagResource",
      "DeleteRetentionPolicy",
      "DescribeLogGroups",
      "ListTagsForResource",
    ]);
    await group.assertSettled(news);
    assert.deepEqual((await group.diff({ ...news, name: "other" })).replaces, ["name"]);

    await group.delete();
    assert.equal(await group.read(), undefined);
    await group.delete();
  });
});
