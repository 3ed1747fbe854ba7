/** The bootstrap by the real engine, without an account: previewed and evaluated by the policy pack. */
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningProvider, startProvider } from "../../emulator/provider/server.ts";
import { Deployment, PolicyRefusal } from "../../ops/deployment/deployment.ts";
import { statePaths } from "../../ops/local/state.ts";
import { copyProject, policies, stackName } from "../testing/bootstrap/project.ts";

const signal = new AbortController().signal;
const step = { detail: () => undefined };

describe("the preview of the bootstrap", () => {
  let folder: string;
  let project: string;
  let provider: RunningProvider;

  before(async () => {
    folder = await realpath(await mkdtemp(path.join(tmpdir(), "bootstrap-")));
    project = await copyProject(folder);
    provider = await startProvider({
      // Never called.
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
      stackName,
      projectFolder: project,
      policyConfigFile,
      paths: statePaths(folder),
      providerPort: provider.port,
      environment: {},
    });

  it("passes the policy pack with its own config, which gives a reason for each exception", async () => {
    const { planned, policies: evaluating } = await (await open(policies)).preview(step, signal);
    assert.ok(evaluating >= 5, String(evaluating));
    assert.ok(planned.some(({ type }) => type === "aws:iam/openIdConnectProvider:OpenIdConnectProvider"));
  });

  it("is refused by the pack without: who is trusted, and what is allowed everywhere, is nobody's default", async () => {
    await assert.rejects((await open()).preview(step, signal), (error) => {
      assert.ok(error instanceof PolicyRefusal, String(error));
      assert.match(error.message, /trusted-principals .*oidc-provider/s);
      assert.match(error.message, /no-wildcards .*sagemaker:ListModels/s);
      return true;
    });
  });
});
