/** Tests instances of the real serving stack (TorchServe with SageMaker's toolkit) that serve a small artifact. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "mocha";
import type { Instance, RunOutcome } from "../../emulator/core/worker.ts";
import { servingPython } from "../../tools/paths.mjs";
import type { Invocation } from "../../emulator/services/sagemaker/invocation.ts";
import { artifactOf } from "../../emulator/testing/artifact.ts";
import { FakeLogs, FakeObjects, testArtifact, testModelData, testRole } from "../../emulator/testing/fake-aws.ts";
import { descendantsOf, eventually, isAlive, mentioning } from "../../lib/testing/processes.ts";
import { ArtifactCache } from "../../emulator/model-server/artifact.ts";
import { InstanceError, ModelServerLauncher } from "../../emulator/model-server/launcher.ts";

/**
 * A `sitecustomize.py` that adds the newline that the toolkit omits after `enable_model_api=true`, so that TorchServe reads the property
 * and enables the API. The patched `os.execv` runs when start.py replaces itself with the server, in the folder of the properties file.
 */
const wellFormed = `
import os
execv = os.execv

def with_newline(path, arguments):
    file = "torchserve.properties"
    with open(file) as source:
        lines = source.read().replace("enable_model_api=true", "enable_model_api=true\\n")
    with open(file, "w") as target:
        target.write(lines)
    execv(path, arguments)

os.execv = with_newline
`;

/** A handler that follows the instructions in the request's body. */
const handler = `
import json, os, time

def model_fn(model_dir):
    return model_dir

def transform_fn(model, body, content_type, accept, context=None):
    instructions = json.loads(body)
    if "sleep" in instructions:
        time.sleep(instructions["sleep"])
    if "raise" in instructions:
        raise ValueError(instructions["raise"])
    if "exit" in instructions:
        os._exit(instructions["exit"])
    if "status" in instructions:
        context.set_response_status(instructions["status"], "refused")
        return "not a video", "text/plain"
    answer = {
        "instructions": instructions,
        "type": content_type,
        "attributes": context.get_request_header(0, "X-Amzn-SageMaker-Custom-Attributes"),
        "greeting": os.environ.get("GREETING"),
        "token": os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        "model": os.path.exists(os.path.join(model, "code", "inference.py")),
    }
    return json.dumps(answer), accept
`;

describe("An instance of the real serving stack", function () {
  this.timeout(240_000);
  let folder: string;
  let objects: FakeObjects;
  const logs = new FakeLogs();
  let instance: Instance<Invocation>;
  let jobs = 0;
  let admitted = 0;

  const launcher = (stateDir: string, source: FakeObjects, environment: Record<string, string> = {}) =>
    new ModelServerLauncher(
      { endpointName: "echo", variantName: "v", roleArn: testRole, modelData: testModelData, environment },
      {
        python: servingPython,
        region: "us-east-1",
        stateDir,
        objects: source,
        artifacts: new ArtifactCache(join(stateDir, "artifacts")),
        logs,
        access: () => {
          admitted += 1;
          const revoke = (): void => {
            admitted -= 1;
          };
          return { environment: { AWS_CONTAINER_AUTHORIZATION_TOKEN: "secret" }, revoke };
        },
        clock: { now: () => Date.now() },
      },
    );
  const invoke = async (
    instructions: object,
  ): Promise<{ outcome: RunOutcome; answer: string; output: string | undefined }> => {
    jobs += 1;
    const name = `job-${jobs}`;
    objects.set(`s3://in/${name}`, JSON.stringify(instructions));
    const invocation: Invocation = {
      inferenceId: name,
      receivedAt: Date.now(),
      ttl: 60_000,
      timeout: 60_000,
      input: { bucket: "in", key: name },
      inputLocation: `s3://in/${name}`,
      output: { bucket: "out", key: name, kmsKeyId: undefined },
      failure: undefined,
      contentType: "application/json",
      accept: "application/json",
      customAttributes: "fps=2",
      answer: undefined,
    };
    const outcome = await instance.run(invocation, AbortSignal.timeout(60_000));
    const answer = Buffer.from(invocation.answer?.body ?? "").toString();
    return { outcome, answer, output: objects.text(`s3://out/${name}`) };
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "launcher-"));
    objects = new FakeObjects();
    objects.set(testArtifact, await artifactOf(folder, handler));
    const environment = { GREETING: "hello", SAGEMAKER_MODEL_SERVER_WORKERS: "2", TS_DEFAULT_RESPONSE_TIMEOUT: "60" };
    instance = await launcher(join(folder, "state"), objects, environment).launch("v-1", AbortSignal.timeout(200_000));
  });
  after(async () => {
    const pids = await descendantsOf(process.pid);
    await instance.stop();
    assert.equal(admitted, 0);
    assert.deepEqual(pids.filter(isAlive), []);
    assert.deepEqual(await readdir(join(folder, "state", "instances")), []);
    await rm(folder, { recursive: true, force: true });
  });

  it("runs the artifact's handler with the caller's headers, the Model's environment and access to AWS", async () => {
    const { outcome, output } = await invoke({ a: 1 });
    assert.equal(outcome.status, "completed");
    assert.deepEqual(JSON.parse(output ?? ""), {
      instructions: { a: 1 },
      type: "application/json",
      attributes: "fps=2",
      greeting: "hello",
      token: "secret",
      model: true,
    });
  });

  it("passes on a client error of the handler", async () => {
    const { outcome, answer } = await invoke({ status: 400 });
    assert.ok(outcome.status === "failed");
    assert.equal(outcome.modelStatus, 400);
    assert.equal(answer, "not a video");
  });

  it("passes on an exception of the handler", async () => {
    const { outcome, answer } = await invoke({ raise: "a defect" });
    assert.ok(outcome.status === "failed");
    assert.equal(outcome.modelStatus, 500);
    assert.match(answer, /^a defect\n/);
  });

  it("processes two requests at once with two workers", async () => {
    const singleStart = performance.now();
    await invoke({ sleep: 3 });
    const single = performance.now() - singleStart;
    const pairStart = performance.now();
    await Promise.all([invoke({ sleep: 3 }), invoke({ sleep: 3 })]);
    // In sequence, they would take at least six seconds.
    assert.ok(performance.now() - pairStart < single + 2_900);
  });

  it("serves further requests after a handler ends its worker", async () => {
    const { outcome } = await invoke({ exit: 3 });
    assert.ok(outcome.status === "failed");
    assert.ok((outcome.modelStatus ?? 0) >= 500);
    assert.equal((await invoke({ a: 2 })).outcome.status, "completed");
  });

  it("writes a log file, and sends its lines to CloudWatch Logs", async () => {
    const log = await readFile(join(folder, "state", "logs", "endpoints", "echo", "v-1.log"), "utf8");
    assert.match(log, /Torchserve version/);
    assert.match(log, /"POST \/invocations HTTP\/1\.1" 500/);
    await eventually("CloudWatch Logs has it", () => {
      const shipped = logs.groups.get("echo")?.get("v/v-1") ?? [];
      return shipped.some((line) => line.includes('"POST /invocations HTTP/1.1" 500'));
    });
  });

  it("registers no model, even if the toolkit's properties enable the model API", async () => {
    const state = join(folder, "well-formed");
    await mkdir(state);
    await writeFile(join(state, "sitecustomize.py"), wellFormed);
    const closed = await launcher(state, objects, { PYTHONPATH: state }).launch("v-1", AbortSignal.timeout(200_000));
    try {
      const [name = ""] = await readdir(join(state, "instances"));
      const base = join(state, "instances", name);
      assert.match(await readFile(join(base, "torchserve.properties"), "utf8"), /^enable_model_api=true$/m);
      const { management } = JSON.parse(await readFile(join(base, "key_file.json"), "utf8")) as {
        management: { key: string };
      };
      const log = await readFile(join(state, "logs", "endpoints", "echo", "v-1.log"), "utf8");
      const socketPath = /Management address: unix:(\S+)/.exec(log)?.[1];
      const request = httpRequest({
        socketPath,
        method: "POST",
        path: "/models?url=evil.mar",
        headers: { Authorization: `Bearer ${management.key}` },
      }).end();
      const [response] = (await once(request, "response")) as [IncomingMessage];
      assert.equal(response.statusCode, 405, await text(response));
    } finally {
      await closed.stop();
    }
  });

  it("fails to start with the reason if the model cannot be loaded", async () => {
    const broken = new FakeObjects();
    broken.set(
      testArtifact,
      await artifactOf(folder, "def model_fn(model_dir):\n    raise RuntimeError('no such weights')\n"),
    );
    // Too long a path for Unix sockets, so the workers' sockets are in another folder.
    const state = join(folder, "broken", "x".repeat(80));
    await assert.rejects(launcher(state, broken).launch("v-1", AbortSignal.timeout(200_000)), (error: unknown) => {
      assert.ok(error instanceof InstanceError, String(error));
      assert.match(error.message, /^The model cannot be loaded: .*: RuntimeError: no such weights\n/);
      return true;
    });
    assert.deepEqual(await readdir(join(state, "instances")), []);
    assert.deepEqual(await mentioning(state), []);
  });

  it("leaves no process when the process that started it is killed", async () => {
    const state = join(folder, "orphaned");
    await mkdir(state);
    await writeFile(join(state, "model.tar.gz"), await artifactOf(folder, handler));
    const program = `
import { readFileSync } from "node:fs";
import { ArtifactCache } from ${JSON.stringify(new URL("../../emulator/model-server/artifact.ts", import.meta.url).href)};
import { ModelServerLauncher } from ${JSON.stringify(new URL("../../emulator/model-server/launcher.ts", import.meta.url).href)};
import { FakeLogs, FakeObjects } from ${JSON.stringify(new URL("../../emulator/testing/fake-aws.ts", import.meta.url).href)};
const objects = new FakeObjects();
const stateDir = ${JSON.stringify(state)};
objects.set(${JSON.stringify(testArtifact)}, readFileSync(stateDir + "/model.tar.gz"));
const launcher = new ModelServerLauncher(
  { endpointName: "echo", variantName: "v", roleArn: ${JSON.stringify(testRole)}, modelData: ${JSON.stringify(testModelData)}, environment: {} },
  { python: ${JSON.stringify(servingPython)}, region: "us-east-1", stateDir, objects, artifacts: new ArtifactCache(stateDir + "/artifacts"),
    logs: new FakeLogs(), clock: Date },
);
await launcher.launch("v-1", new AbortController().signal);
console.log("ready");
setInterval(() => undefined, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(starter.stdout, "data");
    const pids = await descendantsOf(starter.pid ?? 0);
    // The guard process, the server and a worker.
    assert.ok(pids.length >= 3);
    starter.kill("SIGKILL");
    await eventually("nothing is left", () => !pids.some(isAlive), 60_000);
    assert.deepEqual(await mentioning(state), []);
  });
});
