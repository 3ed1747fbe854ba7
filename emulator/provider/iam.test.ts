import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";

const trust = (service: string) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
});
const allow = (action: string): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, Resource: "*" }] });

describe("IAM", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let role: TestResource;
  const wanted = { assumeRolePolicy: trust("sagemaker.amazonaws.com"), tags: { stage: "one" } };

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
    role = provider.resource("aws:iam/role:Role", "worker");
    await role.create(wanted);
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  describe("Role", () => {
    it("is created with its tags, and read with its policies", async () => {
      assert.deepEqual(provider.calls(), ["CreateRole", "GetRole", "ListRolePolicies", "ListAttachedRolePolicies"]);
      assert.equal(role.id, "worker-a1a2a3a");
      assert.equal(role.state["arn"], "arn:aws:iam::000000000000:role/worker-a1a2a3a");
      assert.equal(role.state["maxSessionDuration"], 3_600);
      assert.equal("region" in role.inputs, false);
      await role.assertSettled(wanted);
    });

    it("changes tags first, then one property after the other", async () => {
      const news = {
        assumeRolePolicy: trust("lambda.amazonaws.com"),
        maxSessionDuration: 7_200,
        tags: { step: "two" },
      };
      provider.calls();
      await role.update(news);
      assert.deepEqual(provider.calls().slice(0, 4), ["UntagRole", "TagRole", "UpdateAssumeRolePolicy", "UpdateRole"]);
      await role.assertSettled(news);
      await role.update(wanted);
      await role.assertSettled(wanted);
    });

    it("is replaced for another name or path", async () => {
      assert.deepEqual((await role.diff({ ...wanted, path: "/team/" })).replaces, ["path"]);
      const named = await role.diff({ ...wanted, name: "other" });
      assert.deepEqual(named.replaces, ["name"]);
      assert.equal(named.deleteBeforeReplace, true);
    });

    it("shows no difference for a trust policy with the same meaning", async () => {
      const [statement] = wanted.assumeRolePolicy.Statement;
      const same = { Statement: { ...statement, Action: ["sts:AssumeRole"] }, Version: "2012-10-17" };
      assert.deepEqual((await role.diff({ ...wanted, assumeRolePolicy: same })).changes, []);
    });

    it("refuses a name of more than 64 characters", async () => {
      const long = provider.resource(role.type, "r".repeat(57));
      await assert.rejects(long.check(wanted), /plus 7 random chars is longer than maximum length 64/);
    });
  });

  describe("policies", () => {
    it("RolePolicy is put and read as role:name, changes in place, and is deleted", async () => {
      const policy = provider.resource("aws:iam/rolePolicy:RolePolicy", "read");
      const first = { role: role.id, policy: allow("s3:GetObject") };
      provider.calls();
      await policy.create(first);
      assert.deepEqual(provider.calls(), ["PutRolePolicy", "GetRolePolicy"]);
      assert.equal(policy.id, "worker-a1a2a3a:read-a1a2a3a");
      await policy.assertSettled(first);
      const then = { role: role.id, policy: allow("s3:PutObject") };
      assert.deepEqual((await policy.diff(then)).detailed, { policy: "update" });
      await policy.update(then);
      await policy.assertSettled(then);
      assert.deepEqual((await policy.diff({ ...then, role: "other" })).replaces, ["role"]);
      const imported = await policy.import(policy.id);
      assert.deepEqual([imported?.inputs["role"], imported?.inputs["name"]], ["worker-a1a2a3a", "read-a1a2a3a"]);
      await policy.delete();
      assert.equal(await policy.read(), undefined);
      await policy.delete();
    });

    it("Policy is created, gets a new version in place, drops the oldest of five, and is deleted with all", async () => {
      const policy = provider.resource("aws:iam/policy:Policy", "managed");
      const first = { policy: allow("s3:Get0"), tags: { stage: "one" } };
      provider.calls();
      await policy.create(first);
      assert.deepEqual(provider.calls(), ["CreatePolicy", "GetPolicy", "GetPolicyVersion"]);
      assert.equal(policy.id, "arn:aws:iam::000000000000:policy/managed-a1a2a3a");
      await policy.assertSettled(first);
      assert.deepEqual((await policy.diff({ ...first, path: "/team/" })).replaces, ["path"]);

      provider.calls();
      await policy.update({ policy: allow("s3:Get1"), tags: { stage: "two" } });
      assert.deepEqual(provider.calls(), [
        "TagPolicy",
        "ListPolicyVersions",
        "CreatePolicyVersion",
        "GetPolicy",
        "GetPolicyVersion",
      ]);
      for (const number of [2, 3, 4, 5]) {
        const news = { policy: allow(`s3:Get${number}`), tags: { stage: "two" } };
        await policy.update(news);
        await policy.assertSettled(news);
      }
      provider.calls();
      await policy.delete();
      const calls = provider.calls();
      assert.equal(calls[0], "ListPolicyVersions");
      assert.equal(calls.at(-1), "DeletePolicy");
      assert.equal(calls.filter((call) => call === "DeletePolicyVersion").length, 4);
      assert.equal(await policy.read(), undefined);
      await policy.delete();
    });

    it("RolePolicyAttachment is created, is always replaced with deletion first, and is deleted", async () => {
      const managed = provider.resource("aws:iam/policy:Policy", "attached");
      await managed.create({ policy: allow("s3:GetObject") });
      const attachment = provider.resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment");
      const pair = { role: role.id, policyArn: managed.id };
      provider.calls();
      await attachment.create(pair);
      assert.deepEqual(provider.calls(), ["AttachRolePolicy", "ListAttachedRolePolicies"]);
      assert.equal(attachment.id, `${role.id}/${managed.id}`);
      await attachment.assertSettled(pair);
      const other = await attachment.diff({ ...pair, policyArn: `${managed.id}x` });
      assert.deepEqual([other.replaces, other.deleteBeforeReplace], [["policyArn"], true]);
      // The role shows it, but the program's view of the role has not changed.
      assert.deepEqual((await role.read())?.state["managedPolicyArns"], [managed.id]);
      assert.deepEqual((await role.diff(wanted)).changes, []);
      provider.calls();
      await attachment.delete();
      assert.deepEqual(provider.calls(), ["DetachRolePolicy"]);
      assert.equal(await attachment.read(), undefined);
      await attachment.delete();
    });

    it("a role is deleted after a check of its instance profiles, and keeps its policies", async () => {
      const inline = provider.resource("aws:iam/rolePolicy:RolePolicy", "left");
      await inline.create({ role: role.id, policy: allow("s3:GetObject") });
      await assert.rejects(role.delete(), /DeleteRole failed: DeleteConflict/);
      await inline.delete();
      provider.calls();
      await role.delete();
      assert.deepEqual(provider.calls(), ["ListInstanceProfilesForRole", "DeleteRole"]);
      assert.equal(await role.read(), undefined);
      await role.delete();
    });
  });
});
