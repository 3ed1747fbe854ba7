/** Tests the doctor's check of credentials. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { checkAccount } from "./account.ts";
import { accountId, Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";
import { stackFile } from "./testing/stack.ts";

describe("the account", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
  });

  it("is ok if the stack allows it", async () => {
    const { status, what } = await checkAccount(stackFile(), aws.access);
    assert.equal(status, "ok");
    assert.ok(what.includes(`arn:aws:iam::${accountId}:user/deployer`));
  });

  it("is a problem if the stack allows only another", async () => {
    const { status, what, remedy } = await checkAccount(stackFile({ allowedAccountIds: ["999999999999"] }), aws.access);
    assert.equal(status, "problem");
    assert.match(what, /account 123456789012 .*Pulumi\.dev\.yaml allows only 999999999999/);
    assert.match(remedy ?? "", /AWS_PROFILE.*aws:allowedAccountIds/);
  });

  it("is a problem if the stack forbids it", async () => {
    const stack = stackFile({ allowedAccountIds: [], forbiddenAccountIds: [accountId] });
    assert.equal((await checkAccount(stack, aws.access)).status, "problem");
  });

  it("is a warning if the stack accepts any", async () => {
    const { status, remedy } = await checkAccount(stackFile({ allowedAccountIds: [] }), aws.access);
    assert.equal(status, "warning");
    assert.match(
      remedy ?? "",
      /pulumi config set --path 'aws:allowedAccountIds\[0\]' 123456789012 --type string --stack dev/,
    );
  });

  it("is unchecked if the provider assumes a role", async () => {
    const stack = stackFile({ assumesRole: true, allowedAccountIds: ["999999999999"] });
    const { status, what } = await checkAccount(stack, aws.access);
    assert.equal(status, "warning");
    assert.match(what, /could not be checked/);
  });

  it("is a problem if AWS rejects the credentials", async () => {
    aws.answers.set("GetCallerIdentity", new Refusal(403, "InvalidClientTokenId"));
    const { status, what, remedy } = await checkAccount(stackFile(), aws.access);
    assert.equal(status, "problem");
    assert.match(what, /InvalidClientTokenId/);
    assert.match(remedy ?? "", /Sign in again .*region us-east-1/);
  });

  it("is a problem of the clock if AWS reports that, for any credentials", async () => {
    const words =
      "Signature expired: 20261130T010000Z is now earlier than 20261130T011500Z (20261130T013000Z - 15 min.)";
    aws.answers.set("GetCallerIdentity", new Refusal(403, "SignatureDoesNotMatch", words));
    const { status, remedy } = await checkAccount(stackFile(), aws.access);
    assert.equal(status, "problem");
    assert.match(remedy ?? "", /^This machine's clock differs from AWS's/);
  });

  it("is a problem if there is no answer, and the remedy names the emulator for the stack local", async () => {
    const nowhere = { ...aws.access, endpoint: "http://127.0.0.1:1" };
    const { status, what } = await checkAccount(stackFile(), nowhere);
    assert.equal(status, "problem");
    assert.match(what, /ECONNREFUSED/);
    const { remedy } = await checkAccount(stackFile({ name: "local" }), nowhere);
    assert.match(remedy ?? "", /npm run -s local:up/);
  });
});
