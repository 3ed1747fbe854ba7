/** Tests an instance whose image stands for a local command: SageMaker's contract for containers, on a Unix socket. */

import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ministackPython } from "../../tools/paths.mjs";
import type { Invocation } from "../services/sagemaker/invocation.ts";
import type { ContainerSpec } from "../services/sagemaker/dependencies.ts";
import { FakeLogs, FakeObjects, testRole } from "../testing/fake-aws.ts";
import { ArtifactCache } from "./artifact.ts";
import { ModelServerLauncher } from "./launcher.ts";

/** Answers each request with its body, and with what the container sees. */
const server = `
import http.server, json, os, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200 if self.path == "/ping" else 404, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        model = os.environ["SM_MODEL_DIR"]
        seen = {"path": self.path, "body": body, "type": self.headers["Content-Type"], "files": sorted(os.listdir(model)),
                "greeting": os.environ["GREETING"], "data": os.environ["DATA"] == model,
                "token": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"], "authorization": self.headers["Authorization"]}
        self.answer(200, json.dumps(seen).encode())
    def address_string(self):
        return "client"
print("a line of the container", flush=True)
socketserver.ThreadingUnixStreamServer(os.environ["SAGEMAKER_BIND_TO_SOCKET"], Handler).serve_forever()
`;

describe("An instance of an image with a local command", function () {
  this.timeout(30_000);
  let folder: string;
  let objects: FakeObjects;
  let logs: FakeLogs;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "command-"));
    objects = new FakeObjects();
    logs = new FakeLogs();
    objects.set("s3://models/video/model.pt", "weights");
    objects.set("s3://in/a.mp4", "a video");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const launch = (command: string, change: Partial<ContainerSpec> = {}) =>
    new ModelServerLauncher(
      {
        endpointName: "custom",
        variantName: "v",
        roleArn: testRole,
        command,
        modelData: { url: "s3://models/video/", location: { bucket: "models", key: "video/" }, form: "prefix" },
        environment: { GREETING: "hello", DATA: "/opt/ml/model" },
        ...change,
      },
      {
        python: ministackPython,
        region: "us-east-1",
        stateDir: folder,
        objects,
        artifacts: new ArtifactCache(join(folder, "artifacts")),
        logs,
        access: () => ({ environment: { AWS_CONTAINER_AUTHORIZATION_TOKEN: "secret" }, revoke: () => undefined }),
        clock: { now: () => Date.now() },
      },
    ).launch("i-1", AbortSignal.timeout(20_000));
  const serve = `'${ministackPython}' -c '${server}'`;
  const invocation = (): Invocation => ({
    inferenceId: "1",
    receivedAt: Date.now(),
    ttl: 60_000,
    timeout: 60_000,
    input: { bucket: "in", key: "a.mp4" },
    inputLocation: "s3://in/a.mp4",
    output: { bucket: "out", key: "a.out", kmsKeyId: undefined },
    failure: undefined,
    contentType: "video/mp4",
    accept: undefined,
    customAttributes: undefined,
    answer: undefined,
  });

  it("answers invocations with the model's files, its environment and credentials", async () => {
    const instance = await launch(serve);
    const outcome = await instance.run(invocation(), AbortSignal.timeout(10_000));
    await instance.stop();
    assert.equal(outcome.status, "completed");
    assert.deepEqual(JSON.parse(objects.text("s3://out/a.out") ?? ""), {
      path: "/invocations",
      body: "a video",
      type: "video/mp4",
      files: ["model.pt"],
      greeting: "hello",
      data: true,
      token: "secret",
      authorization: null,
    });
    assert.equal(logs.groups.get("custom")?.get("v/i-1")?.[0], "a line of the container");
    assert.deepEqual(await readdir(join(folder, "instances")), []);
  });

  it("may have no model data", async () => {
    const instance = await launch(serve, { modelData: undefined });
    await instance.run(invocation(), AbortSignal.timeout(10_000));
    await instance.stop();
    assert.match(objects.text("s3://out/a.out") ?? "", /"files": \[\]/);
  });

  it("runs in the emulator's folder", async () => {
    const mark = join(folder, "mark");
    await assert.rejects(launch(`pwd > '${mark}'; exit 3`), /exit status 3/);
    assert.equal(await readFile(mark, "utf8"), `${process.cwd()}\n`);
  });

  it("does not start if the command ends, and says why", async () => {
    await assert.rejects(launch("echo no such weights >&2; exit 3"), {
      name: "InstanceError",
      message: /^The model server ended before it was ready \(exit status 3\): no such weights\nIts log: /,
    });
    assert.deepEqual(await readdir(join(folder, "instances")), []);
  });
});
