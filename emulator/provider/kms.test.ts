import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";
import { unknown } from "./values.ts";

/** Returns a policy that lets the account use the key: without it, the provider could not read the key either. */
const policyOf = (id: string): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Id: id,
    Statement: [{ Effect: "Allow", Principal: { AWS: "000000000000" }, Action: "kms:*", Resource: "*" }],
  });

describe("KMS", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let key: TestResource;
  const wanted = { description: "videos", enableKeyRotation: true, policy: policyOf("first"), tags: { stage: "one" } };

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
    key = provider.resource("aws:kms/key:Key", "videos");
    await key.create(wanted);
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  describe("Key", () => {
    it("is created, rotated, and read with policy and tags", async () => {
      assert.deepEqual(provider.calls(), [
        "CreateKey",
        "EnableKeyRotation",
        "DescribeKey",
        "GetKeyRotationStatus",
        "GetKeyPolicy",
        "ListResourceTags",
      ]);
      assert.match(key.id, /^[0-9a-f-]{36}$/);
      assert.equal(key.state["keyId"], key.id);
      assert.equal(key.state["arn"], `arn:aws:kms:us-east-1:000000000000:key/${key.id}`);
      await key.assertSettled(wanted);
    });

    it("changes tags first, then one property after the other", async () => {
      const news = { description: "films", policy: policyOf("second"), tags: { step: "two" } };
      provider.calls();
      await key.update(news);
      assert.deepEqual(provider.calls().slice(0, 5), [
        "UntagResource",
        "TagResource",
        "DisableKeyRotation",
        "UpdateKeyDescription",
        "PutKeyPolicy",
      ]);
      await key.assertSettled(news);
    });
  });

  describe("Alias", () => {
    it("names a key by id or ARN, and changes to another in place", async () => {
      const alias = provider.resource("aws:kms/alias:Alias", "videos");
      provider.calls();
      await alias.create({ targetKeyId: key.id });
      assert.deepEqual(provider.calls(), ["CreateAlias", "ListAliases"]);
      assert.equal(alias.id, "alias/videos-a1a2a3a");
      assert.equal(alias.state["targetKeyArn"], key.state["arn"]);
      await alias.assertSettled({ targetKeyId: key.id });
      assert.deepEqual((await alias.diff({ targetKeyId: key.state["arn"] ?? "" })).changes, []);

      const other = provider.resource("aws:kms/key:Key", "other");
      await other.create({});
      await alias.update({ targetKeyId: other.id });
      await alias.assertSettled({ targetKeyId: other.id });
      assert.deepEqual((await alias.diff({ targetKeyId: other.id, name: "alias/films" })).replaces, ["name"]);
      await assert.rejects(alias.check({ targetKeyId: other.id, name: "films" }), /must be alias\//);
      await alias.check({ targetKeyId: other.id, name: unknown });
      await alias.delete();
      assert.equal(await alias.read(), undefined);
      await alias.delete();
    });
  });

  describe("a key's deletion", () => {
    it("is scheduled, and a key that waits for it counts as missing", async () => {
      provider.calls();
      await key.delete();
      assert.deepEqual(provider.calls(), ["ScheduleKeyDeletion", "DescribeKey"]);
      assert.equal(await key.read(), undefined);
      await key.delete();
    });
  });
});
