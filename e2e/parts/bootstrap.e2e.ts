/** Previews the bootstrap with the real engine and the policy pack, without an account. */
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { startProvider } from "../../emulator/provider/server.ts";
import type { RunningProvider } from "../../emulator/provider/server.ts";
import { Deployment } from "../../ops/deployment/deployment.ts";
import { PolicyRefusal } from "../../ops/deployment/deployment-errors.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import { bootstrapPolicies, bootstrapStack, copyBootstrap } from "../../ops/rehearsal/account.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("the preview of the bootstrap", () => {
  let folder: string;
  let project: string;
  let provider: RunningProvider;

  before(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), "bootstrap-")));
    project = await copyBootstrap(folder);
    provider = await startProvider({
      // No call is made to it.
      endpoint: "http://127.0.0.1:9",
      region: "us-east-1",
      credentials: { accessKeyId: "none", secretAccessKey: "none" },
      previewAccountId: "000000000000",
    });
  });

  after(async () => {
    await provider.stop();
    await rm(folder, { recursive: true });
  });

  const open = (policyConfigFile?: string) =>
    Deployment.openAt({
      stackName: bootstrapStack,
      projectFolder: project,
      policyConfigFile,
      paths: statePaths(folder),
      providerPort: provider.port,
      environment: {},
    });

  it("passes the policy pack with its policy config", async () => {
    const { planned, policies: policyCount } = await (await open(bootstrapPolicies)).preview(step, signal);
    assert.ok(policyCount >= 5, String(policyCount));
    assert.ok(planned.some(({ type }) => type === "aws:iam/openIdConnectProvider:OpenIdConnectProvider"));
  });

  it("is refused by the policy pack without that config, which names the trusted principals and the allowed wildcards", async () => {
    await assert.rejects((await open()).preview(step, signal), (error) => {
      assert.ok(error instanceof PolicyRefusal, String(error));
      assert.match(error.message, /trusted-principals .*oidc-provider/s);
      assert.match(error.message, /no-wildcards .*sagemaker:ListModels/s);
      return true;
    });
  });
});
