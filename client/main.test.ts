import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { run } from "./main.ts";
import { objectKey, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws, SeenInvocation } from "./testing/fake-aws.ts";
import { sampleResult } from "./testing/sample-result.ts";

interface Line {
  inferenceId: string;
  status?: string;
  reason?: string;
  result?: { detections: number };
}

describe("the command line", () => {
  let aws: FakeAws;
  let folder: string;
  let outputs: string;
  const interrupt = { controller: new AbortController() };

  beforeEach(async () => {
    aws = await startFakeAws();
    interrupt.controller = new AbortController();
    folder = await mkdtemp(path.join(tmpdir(), "client-"));
    outputs = path.join(folder, "outputs.json");
    await writeFile(outputs, JSON.stringify(aws.outputs));
    for (const name of ["a.mp4", "b.mp4"]) await writeFile(path.join(folder, name), `video ${name}`);
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const execute = async (args: readonly string[], stdin = "") => {
    const written = { stdout: "", stderr: "" };
    const status = await run(args, {
      stdin: Readable.from([stdin]),
      stdout: { write: (text) => (written.stdout += text) },
      stderr: { write: (text) => (written.stderr += text) },
      signal: interrupt.controller.signal,
    });
    const lines = () =>
      written.stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Line);
    return { status, ...written, lines };
  };
  const stackArgs = () => ["--outputs", outputs];
  const video = (name: string) => path.join(folder, name);
  const complete = ({ outputLocation }: SeenInvocation): void => {
    aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(sampleResult)));
  };
  const fail = ({ failureLocation }: SeenInvocation): void => {
    aws.objects.set(objectKey(failureLocation), Buffer.from('{"error":"not a video"}'));
  };

  it("prints its help", async () => {
    const { status, stdout } = await execute(["--help"]);
    assert.equal(status, 0);
    assert.match(stdout, /^Usage: /);
  });

  it("submits each file once and prints each job", async () => {
    const { status, stdout, lines } = await execute([
      "submit",
      video("a.mp4"),
      video("b.mp4"),
      "--json",
      ...stackArgs(),
    ]);
    assert.equal(status, 0, stdout);
    assert.deepEqual(
      lines().map(({ inferenceId }) => inferenceId),
      aws.invocations.map(({ inferenceId }) => inferenceId),
    );
    assert.equal(new Set(aws.invocations.map(({ inputLocation }) => inputLocation)).size, 2);
  });

  it("waits for each job's own end, prints it once, and exits 1 where one failed", async () => {
    aws.onInvocation = (invocation) => {
      (aws.invocations.length === 1 ? complete : fail)(invocation);
    };
    const { status, lines } = await execute([
      "submit",
      video("a.mp4"),
      video("b.mp4"),
      "--wait",
      "--json",
      ...stackArgs(),
    ]);
    assert.equal(status, 1);
    const [good, bad] = aws.invocations.map(({ inferenceId }) =>
      lines().filter((line) => line.inferenceId === inferenceId && line.status !== undefined),
    );
    assert.deepEqual(
      good!.map((line) => [line.status, line.result?.detections]),
      [["completed", 3]],
    );
    assert.deepEqual(
      bad!.map((line) => [line.status, line.reason]),
      [["failed", "not a video"]],
    );
  });

  it("shows people what was found and the model's notice", async () => {
    aws.onInvocation = complete;
    const { status, stdout } = await execute(["submit", video("a.mp4"), "--wait", ...stackArgs()]);
    assert.equal(status, 0);
    assert.match(stdout, /a\.mp4: completed: 2 frames, 3 detections: car 2, person 1\n {2}knows only generated shapes/);
  });

  it("exits 1 where a result does not fit the schema, and says so", async () => {
    aws.onInvocation = ({ outputLocation }) => aws.objects.set(objectKey(outputLocation), Buffer.from("{}"));
    const { status, stdout } = await execute(["submit", video("a.mp4"), "--wait", ...stackArgs()]);
    assert.equal(status, 1);
    assert.match(stdout, /result\.schema\.json/);
  });

  it("stops waiting at the limit and calls the job pending", async () => {
    const { status, lines } = await execute([
      "submit",
      video("a.mp4"),
      "--wait",
      "--limit",
      "1",
      "--json",
      ...stackArgs(),
    ]);
    assert.equal(status, 1);
    assert.equal(lines().at(-1)!.status, "pending");
  });

  it("sends nothing where one of the files is no good", async () => {
    await writeFile(video("empty.mp4"), "");
    const { status, stderr } = await execute(["submit", video("a.mp4"), video("empty.mp4"), ...stackArgs()]);
    assert.equal(status, 2);
    assert.match(stderr, /empty\.mp4 is empty/);
    assert.deepEqual(aws.requests, []);
  });

  it("ends with 130 when interrupted, its jobs already printed", async () => {
    aws.onInvocation = () => {
      setTimeout(() => {
        interrupt.controller.abort();
      }, 100);
    };
    const { status, stderr, lines } = await execute(["submit", video("a.mp4"), "--wait", "--json", ...stackArgs()]);
    assert.equal(status, 130);
    assert.match(stderr, /Interrupted/);
    assert.equal(lines()[0]!.inferenceId, aws.invocations[0]!.inferenceId);
  });

  it("says how the endpoint and each job stand, from what submit printed", async () => {
    aws.onInvocation = complete;
    const { stdout: jobs } = await execute(["submit", video("a.mp4"), "--json", ...stackArgs()]);
    await writeFile(video("jobs"), jobs);
    aws.endpoint = { EndpointStatus: "Updating", CurrentInstanceCount: 0, DesiredInstanceCount: 1 };
    const { status, stdout } = await execute(["status", video("jobs"), ...stackArgs()]);
    assert.equal(status, 0);
    assert.match(stdout, /^video: Updating, 0 of at most 5 × ml\.g4dn\.xlarge, going to 1\n.*: completed: s3:\/\//);
  });

  it("fetches the results of a job printed twice once, and exits 1 for one that has none", async () => {
    aws.onInvocation = (invocation) => {
      if (aws.invocations.length === 1) complete(invocation);
    };
    const { stdout: jobs } = await execute(["submit", video("a.mp4"), video("b.mp4"), "--json", ...stackArgs()]);
    const to = path.join(folder, "results");
    const args = ["fetch", "-", "--to", to, "--json", ...stackArgs()];
    const { status, lines } = await execute(args, `${jobs}${jobs}`);
    assert.equal(status, 1);
    assert.deepEqual(
      lines().map((line) => line.status),
      ["completed", "pending"],
    );
    const [first] = aws.invocations;
    const file = await readFile(path.join(to, `${first!.inferenceId}.json`), "utf8");
    assert.deepEqual(JSON.parse(file), sampleResult);
  });

  for (const [problem, args, words] of [
    ["no command", [], /a command is missing; --help/],
    ["an unknown command", ["launch"], /no command launch/],
    ["an unknown option", ["status", "--bogus"], /Unknown option '--bogus'; --help/],
    ["another command's option", ["status", "--wait"], /status has no option --wait/],
    ["no file", ["submit"], /at least one FILE/],
    ["a TTL below AWS's least", ["submit", "a.mp4", "--ttl", "59"], /--ttl takes whole seconds from 60 to 21600/],
    ["a time-out that is no number", ["submit", "a.mp4", "--timeout", "soon"], /--timeout takes whole seconds/],
    ["both --stack and --outputs", ["status", "--stack", "dev", "--outputs", "x"], /give one/],
    ["no outputs", ["status", "--outputs", "/none.json"], /Cannot read \/none\.json/],
    ["no jobs", ["fetch", "-"], /holds no jobs/],
  ] as const) {
    it(`exits 2 for ${problem}, in one line`, async () => {
      const needsStack = args[0] === "fetch" ? stackArgs() : [];
      const { status, stderr } = await execute([...args, ...needsStack]);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.match(stderr, /^error: .*\n$/);
    });
  }

  it("exits 2 for a stack that nothing answers for, and says what may be missing", async () => {
    await writeFile(outputs, JSON.stringify({ ...aws.outputs, awsEndpointUrl: "http://127.0.0.1:1" }));
    const { status, stderr } = await execute(["status", ...stackArgs()]);
    assert.equal(status, 2);
    assert.match(stderr, /is the local AWS up \(npm run local:up\)\?/);
  }).timeout(60_000);
});
