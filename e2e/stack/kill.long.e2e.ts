import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request as forward } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, beforeEach, describe, it } from "mocha";
import { leftProcesses, run } from "../../ops/testing/commands.ts";
import { freePort } from "../../lib/ports.ts";
import type { Finished } from "../../ops/testing/commands.ts";
import { takeDownLeftover } from "../testing/leftover-stack.ts";
import type { Credentials } from "../../emulator/gateway/credentials.ts";
import { resigned } from "../../emulator/testing/resign.ts";
import { localFolder, repoRoot } from "../../tools/paths.mjs";
import type { StackOutputs } from "../../client/src/outputs.ts";

/** The request at which the client is killed. */
interface KillPoint {
  readonly isAt: (request: IncomingMessage) => boolean;
  /** Position among the matching requests, from 1. */
  readonly count: number;
  /** True to kill the client after the service's answer, which it never gets; false to kill it before the request is forwarded. */
  readonly answered: boolean;
}

const isInvocation = ({ url = "" }: IncomingMessage): boolean => url.endsWith("/async-invocations");
/** The write of a job's record. */
const isRecord = ({ method, url = "" }: IncomingMessage): boolean => method === "PUT" && url.includes("/jobs/");
/** The write of a request object, which refers to a video. */
const isRequest = ({ method, url = "" }: IncomingMessage): boolean => method === "PUT" && url.includes("/requests/");
/** The upload of a video. */
const isUpload = (request: IncomingMessage): boolean =>
  request.method === "PUT" && !isRecord(request) && !isRequest(request);

/** The read of a whole result of a part after the first one; reads of the status are of one byte. */
const isPartResult = ({ method, url = "", headers }: IncomingMessage): boolean =>
  method === "GET" && headers.range === undefined && url.includes("/part-00001.json");

before(() => takeDownLeftover());

describe("a client that is killed while it submits to the local stack", () => {
  let outputs: StackOutputs;
  let proxy: Server;
  let folder: string;
  let outputsFile: string;
  let credentials: Credentials;
  /** InferenceIds of the invocations that reached the service. */
  const called: string[] = [];
  let killPoint: (KillPoint & { left: number; kill: () => void }) | undefined;

  before(async () => {
    const up = run(["ops/main.ts", "local", "up", "--json", "--port", String(await freePort()), "--speed", "600"]);
    const { status, stdout, stderr } = await up.finished;
    assert.equal(status, 0, stderr);
    ({ outputs } = JSON.parse(stdout) as { outputs: StackOutputs });
    proxy = createServer((request, response) => void pass(request, response)).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    folder = await mkdtemp(join(tmpdir(), "kill-"));
    outputsFile = join(folder, "outputs.json");
    const awsEndpointUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    await writeFile(outputsFile, JSON.stringify({ ...outputs, awsEndpointUrl }));
    // The client looks for the key pair next to the outputs.
    await copyFile(join(localFolder, "credentials"), join(folder, "credentials"));
    const ready = await readFile(join(localFolder, "local-aws.json"), "utf8");
    ({ credentials } = JSON.parse(ready) as { credentials: Credentials });
  });

  after(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await rm(folder, { recursive: true });
    const { status, stderr } = await run(["ops/main.ts", "local", "down"]).finished;
    assert.equal(status, 0, stderr);
    assert.deepEqual(await leftProcesses(), []);
  });

  beforeEach(() => {
    called.length = 0;
    killPoint = undefined;
  });

  /** Forwards a request to the emulator, unless the client is killed at it. */
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request).catch(() => undefined);
    if (body === undefined) return;
    const point = killPoint;
    if (point?.isAt(request) === true) point.left -= 1;
    const isKilled = point?.left === 0;
    if (isKilled && !point.answered) {
      point.kill();
      return;
    }
    if (isInvocation(request)) called.push(String(request.headers["x-amzn-sagemaker-inference-id"]));
    const { method = "GET", url: target = "/" } = request;
    const { awsEndpointUrl = "" } = outputs;
    // The client's signature is valid for the proxy's address only.
    const headers = await resigned({ method, target, headers: request.headers, body }, awsEndpointUrl, credentials);
    const forwarded = forward(new URL(target, awsEndpointUrl), { method, headers });
    forwarded.end(body);
    const [answer] = (await once(forwarded, "response")) as [IncomingMessage];
    const content = await buffer(answer);
    if (isKilled) {
      point.kill();
      return;
    }
    response.writeHead(answer.statusCode ?? 500, answer.headers).end(content);
  }

  /** Makes files with the same video and different bytes. */
  async function makeVideos(...names: readonly string[]): Promise<readonly string[]> {
    const round = await mkdtemp(join(folder, "round-"));
    const videos = names.map((name) => join(round, name));
    for (const video of videos) {
      await copyFile(join(repoRoot, "model", "samples", "street.mp4"), video);
      await appendFile(video, Buffer.concat([Buffer.from([0, 0, 1, 0]), Buffer.from(`free${video}`.padEnd(252))]));
    }
    return videos;
  }

  const client = (...args: readonly string[]) => run(["ops/main.ts", ...args, "--outputs", outputsFile, "--json"]);

  /** Submits videos, kills the client, then resumes and waits; returns the output of the second run. */
  async function killAndResume(
    point: KillPoint,
    [video = "", ...others]: readonly string[],
    ...options: readonly string[]
  ): Promise<Finished & { readonly journal: string }> {
    const journal = `${video}.jsonl`;
    const first = client("submit", video, ...others, ...options, "--concurrency", "1", "--journal", journal);
    killPoint = { ...point, left: point.count, kill: () => void first.child.kill("SIGKILL") };
    const killed = await first.finished;
    assert.equal(killed.status, null, `the client was not killed:\n${killed.stderr}`);
    killPoint = undefined;
    const resumed = client("submit", "--resume", "--wait", "--limit", "600", "--journal", journal);
    return { ...(await resumed.finished), journal };
  }

  for (const [moment, point, calls] of [
    ["while it uploads", { isAt: isUpload, count: 2, answered: false }, 3],
    ["before a call reaches the service", { isAt: isInvocation, count: 2, answered: false }, 3],
    ["between a call and its answer", { isAt: isInvocation, count: 2, answered: true }, 4],
    ["after an answer, before the next call", { isAt: isUpload, count: 3, answered: true }, 3],
  ] as const) {
    it(`has three results after ${calls} calls if it is killed ${moment}`, async () => {
      const { status, stdout, stderr, journal } = await killAndResume(
        point,
        await makeVideos("a.mp4", "b.mp4", "c.mp4"),
      );
      assert.equal(status, 0, stderr);
      const ends = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { inferenceId: string; status?: string; result?: { detections: number } })
        .filter((line) => line.status !== undefined);
      assert.deepEqual(
        ends.map((end) => [end.status, (end.result?.detections ?? 0) > 0]),
        Array(3).fill(["completed", true]),
      );
      assert.equal(new Set(ends.map(({ inferenceId }) => inferenceId)).size, 3);
      assert.equal(called.length, calls);
      assert.deepEqual(new Set(called), new Set(ends.map(({ inferenceId }) => inferenceId)));
      const planned = (await readFile(journal, "utf8")).split("\n").filter((line) => line.includes('"planned"'));
      assert.equal(planned.length, 3);
    });
  }

  for (const [moment, point, calls] of [
    ["while it uploads the video", { isAt: isUpload, count: 1, answered: false }, 4],
    ["after the upload, before its answer", { isAt: isUpload, count: 1, answered: true }, 4],
    ["before the record of the job is written", { isAt: isRecord, count: 1, answered: false }, 4],
    ["after the record of the job is written", { isAt: isRecord, count: 1, answered: true }, 4],
    ["before the second request object is written", { isAt: isRequest, count: 2, answered: false }, 4],
    ["after the second request object is written", { isAt: isRequest, count: 2, answered: true }, 4],
    ["before the second call reaches the service", { isAt: isInvocation, count: 2, answered: false }, 4],
    ["between the second call and its answer", { isAt: isInvocation, count: 2, answered: true }, 5],
    ["before the record has the first acceptance", { isAt: isRecord, count: 2, answered: false }, 4],
    ["after the record has the first acceptance", { isAt: isRecord, count: 2, answered: true }, 4],
  ] as const) {
    it(`has all parts of a video after ${calls} calls if it is killed ${moment}`, async () => {
      const [video = ""] = await makeVideos("parts.mp4");
      const { status, stderr, journal } = await killAndResume(point, [video], "--part", "0.05");
      assert.equal(status, 0, stderr);
      const names = [...new Set(called)].toSorted();
      const job = /^(.+)-0$/.exec(names[0] ?? "")?.[1] ?? assert.fail(names.join());
      assert.deepEqual(
        names,
        [0, 1, 2, 3].map((number) => `${job}-${number}`),
      );
      assert.equal(called.length, calls);
      const states = await client("status", "--id", job).finished;
      const [, state] = linesOf(states.stdout);
      assert.partialDeepStrictEqual(state, { inferenceId: job, status: "completed", percent: 100 });
      const { stdout } = await client("fetch", journal, "--to", `${video}.results`).finished;
      const [merged] = linesOf(stdout);
      assert.partialDeepStrictEqual(merged, { inferenceId: job, result: { frames: 12, truncated: false } });
    });
  }

  it("has no merged result if it is killed while it merges, and merges again on the next run", async () => {
    const [video = ""] = await makeVideos("merged.mp4");
    const journal = `${video}.jsonl`;
    const submit = ["submit", video, "--part", "0.05", "--wait", "--limit", "600", "--journal", journal];
    const { status, stderr } = await client(...submit).finished;
    assert.equal(status, 0, stderr);
    const to = `${video}.results`;
    const first = client("fetch", journal, "--to", to);
    const point: KillPoint = { isAt: isPartResult, count: 1, answered: false };
    killPoint = { ...point, left: point.count, kill: () => void first.child.kill("SIGKILL") };
    assert.equal((await first.finished).status, null);
    killPoint = undefined;
    assert.deepEqual(
      (await readdir(to)).filter((name) => name.endsWith(".json")),
      [],
    );
    const { stdout } = await client("fetch", journal, "--to", to).finished;
    assert.partialDeepStrictEqual(linesOf(stdout)[0], { status: "completed", result: { frames: 12 } });
    assert.equal(called.length, 4);
  });
});

function linesOf(stdout: string): readonly unknown[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}
