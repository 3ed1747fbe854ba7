/** Runs the network of the COCO weights, with random weights, on the local stack, as `npm start -- --weights coco --keep` does. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { checkOutputs, connect } from "../../client/src/index.ts";
import { freePort } from "../../lib/ports.ts";
import { changeSettings, parseSetting } from "../../ops/deployment/settings-file.ts";
import { bringUp, localState } from "../../ops/local/local-stack.ts";
import type { LocalStack } from "../../ops/local/local-stack.ts";
import { Progress } from "../../lib/progress.ts";
import { oneVideo } from "../../ops/start/one-video.ts";
import { chooseWeights, writeCocoSettings } from "../../ops/start/weights.ts";
import { repoRoot, servingPython } from "../../tools/paths.mjs";
import { assertNothingLeft } from "../testing/assert-nothing-left.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";

const { signal } = new AbortController();
const execute = promisify(execFile);

before(() => takeDownLeftover());

describe("the network of the COCO weights", () => {
  let folder: string;
  let video: string;
  let stack: LocalStack | undefined;
  const progress = new Progress({ write: () => true });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "coco-"));
    video = join(folder, "frame.mp4");
    const artifact = join(folder, "model.tar.gz");
    const weights = await chooseWeights({ asked: "coco", footage: video }, progress, signal, async () => {
      await execute(servingPython, ["e2e/testing/coco_artifact.py", artifact, video], {
        cwd: repoRoot,
        env: { ...process.env, PYTHONPATH: join(repoRoot, "model") },
        timeout: 120_000,
      });
    });
    assert.equal(weights, "coco");
    const configFile = join(folder, "Pulumi.local.yaml");
    await writeCocoSettings(configFile);
    await changeSettings(configFile, configFile, [parseSetting(`modelArtifact=${relative(repoRoot, artifact)}`)]);
    const port = await freePort();
    stack = await bringUp({ port, keep: true, progress, signal, configFile, packaged: true });
  });

  after(async () => {
    await stack?.takeDown();
    await rm(folder, { recursive: true });
    await assertNothingLeft();
  });

  it("gives a valid result, which names it", async () => {
    assert.ok(stack !== undefined);
    using client = connect(checkOutputs(stack.outputs, "The stack's outputs"), stack.aws.credentials);
    const order = { video, out: join(folder, "out"), onSaved: () => undefined };
    // It checks the result against the schema.
    const run = await oneVideo({ caller: client, operator: client }, order, progress, signal);
    assert.equal(run.summary.frames, 1);
    assert.equal(run.summary.notice, null);
    const result = JSON.parse(await readFile(run.result, "utf8")) as { model: { name: string; classes: object } };
    assert.equal(result.model.name, "Mask R-CNN ResNet-50 FPN, COCO");
    assert.ok(Object.keys(result.model.classes).length >= 80);
  });

  it("stays when the Pulumi CLI works on the kept stack in a shell with local:env", async () => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|PULUMI)_/.test(name)));
    const preview = "pulumi preview --stack local --non-interactive --expect-no-changes";
    await execute("bash", ["-ec", `eval "$(node ops/main.ts local env)"\n${preview}`], { cwd: repoRoot, env });
    assert.match(await readFile(localState.settings, "utf8"), /scoreThreshold: 0\.5/);
  });
});
