/** Tests that the engine starts an installed provider instead of attaching to the emulator's; the official one cannot be installed here. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "mocha";
import * as aws from "@pulumi/aws";
import { HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { LocalWorkspace, PulumiCommand } from "@pulumi/pulumi/automation/index.js";
import { startTestAws } from "../../emulator/testing/test-aws.ts";
import type { TestAws } from "../../emulator/testing/test-aws.ts";
import { sdkConfig, testCredentials } from "../../emulator/testing/test-gateway.ts";
import { awsEnvironment, pulumiEnvironment, pulumiPath } from "../../ops/deployment/deployment.ts";
import { linkOfficialProvider } from "../../ops/local/official-provider.ts";
import { statePaths } from "../../ops/local/local-folder.ts";
import { pulumiRoot } from "../../tools/paths.mjs";

describe("the engine with --provider official", () => {
  let folder: string;
  let testAws: TestAws;

  before(async function () {
    this.timeout(60_000);
    folder = await realpath(await mkdtemp(join(tmpdir(), "official-")));
    testAws = await startTestAws();
  });
  after(async () => {
    await testAws.stop();
    await rm(folder, { recursive: true });
  });

  it("starts the installed provider with the emulator's address, and attaches to none", async () => {
    const paths = statePaths(folder);
    const executable = join(folder, "installed");
    const script = fileURLToPath(new URL("../testing/official-provider.ts", import.meta.url));
    await writeFile(executable, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`, { mode: 0o755 });
    await mkdir(paths.backend, { recursive: true });
    await linkOfficialProvider(executable, paths.pulumiHome);
    const started = join(folder, "started");
    const ready = { url: testAws.url, region: "us-east-1", credentials: testCredentials };
    const stack = await LocalWorkspace.createOrSelectStack(
      {
        stackName: "dev",
        projectName: "tiny",
        program: () => Promise.resolve({ bucket: new aws.s3.Bucket("videos").bucket }),
      },
      {
        envVars: {
          ...awsEnvironment(ready),
          ...pulumiEnvironment({ ...ready, provider: "official" }, paths),
          STARTED: started,
          PATH: [...pulumiPath, process.env["PATH"] ?? ""].join(delimiter),
        },
        pulumiHome: paths.pulumiHome,
        pulumiCommand: await PulumiCommand.get({ root: pulumiRoot }),
      },
    );
    const { outputs } = await stack.up();
    assert.equal(await readFile(started, "utf8"), "attached: none");
    const s3 = new S3Client({ ...sdkConfig(testAws), forcePathStyle: true });
    await s3.send(new HeadBucketCommand({ Bucket: String(outputs["bucket"]?.value) }));
    await stack.destroy();
    s3.destroy();
  }).timeout(120_000);
});
