import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { startTestAws } from "../testing/test-aws.ts";
import type { TestAws } from "../testing/test-aws.ts";
import { startTestProvider } from "./testing/provider.ts";
import type { TestProvider } from "./testing/provider.ts";
import type { TestResource } from "./testing/resource.ts";

describe("IAM's OpenIdConnectProvider", () => {
  let testAws: TestAws;
  let provider: TestProvider;
  let github: TestResource;
  const wanted = {
    url: "https://token.actions.githubusercontent.com",
    clientIdLists: ["sts.amazonaws.com"],
    tags: { stage: "one" },
  };

  before(async () => {
    testAws = await startTestAws();
    provider = await startTestProvider(testAws.url);
    await provider.configure({});
    github = provider.resource("aws:iam/openIdConnectProvider:OpenIdConnectProvider", "github");
    await github.create(wanted);
  });

  after(async () => {
    await provider.stop();
    await testAws.stop();
  });

  it("is created, and its ARN is its address", async () => {
    assert.deepEqual(provider.calls(), ["CreateOpenIDConnectProvider", "GetOpenIDConnectProvider"]);
    assert.equal(github.id, "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com");
    await github.assertSettled(wanted);
  });

  it("gets another audience by a separate call, which the emulator does not implement", async () => {
    await assert.rejects(
      github.update({ ...wanted, clientIdLists: ["sts.amazonaws.com", "other"] }),
      /AddClientIDToOpenIDConnectProvider/,
    );
  });

  it("is the same with and without the scheme of its address, which AWS omits", async () => {
    assert.deepEqual((await github.diff({ ...wanted, url: "token.actions.githubusercontent.com" })).changes, []);
    assert.deepEqual((await github.diff({ ...wanted, url: "https://gitlab.com" })).replaces, ["url"]);
  });

  it("is deleted, and then does not exist", async () => {
    await github.delete();
    assert.equal(await github.read(), undefined);
  });
});
