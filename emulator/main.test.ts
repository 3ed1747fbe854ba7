/** Tests the emulator as a process: its output, its end, and that no child process is left. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, it } from "mocha";
import { ListEndpointsCommand, SageMakerClient } from "@aws-sdk/client-sagemaker";
import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
} from "@aws-sdk/client-cloudwatch";
import { ApplicationAutoScalingClient, DescribeScalableTargetsCommand } from "@aws-sdk/client-application-auto-scaling";
import { ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { descendantsOf, eventually, isAlive } from "../lib/testing/processes.ts";
import type { Credentials } from "./gateway/credentials.ts";
import { sdkConfig, signed } from "./testing/test-gateway.ts";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

interface Ready {
  readonly url: string;
  readonly providerPort: number;
  readonly pid: number;
  readonly region: string;
  readonly accountId: string;
  readonly credentials: Credentials;
}

describe("The emulator as a process", function () {
  this.timeout(60_000);
  let folder: string;
  let children: ChildProcess[];
  let errors: string;

  const start = (args: readonly string[], ipc = false): ChildProcess => {
    const stdio = ["ignore", "pipe", "pipe", ...(ipc ? (["ipc"] as const) : [])] as const;
    const child = spawn(process.execPath, [main, ...args], { stdio: [...stdio] });
    children.push(child);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
    return child;
  };
  const run = (ipc = false) => start(["--port", "0", "--speed", "60", "--state-dir", join(folder, "aws")], ipc);
  const ready = async (child: ChildProcess): Promise<Ready> => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (more: string) => (text += more));
    await eventually(`ready (${errors})`, () => text.includes("\n") || child.exitCode !== null, 50_000);
    return JSON.parse(text) as Ready;
  };
  const ended = async (child: ChildProcess): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return child.exitCode;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "local-aws-"));
    children = [];
    errors = "";
  });
  afterEach(async () => {
    for (const child of children) {
      child.kill("SIGTERM");
      await ended(child);
    }
    await rm(folder, { recursive: true, force: true });
  });

  it("prints its address, serves all of AWS there, and leaves no process on SIGTERM", async () => {
    const child = run();
    const { url, providerPort, pid, region, accountId, credentials } = await ready(child);
    assert.equal(pid, child.pid);
    assert.equal(region, "us-east-1");
    assert.equal(accountId, "000000000000");
    assert.ok(providerPort > 0);
    const config = sdkConfig({ url }, credentials);
    assert.deepEqual((await new SageMakerClient(config).send(new ListEndpointsCommand({}))).Endpoints, []);
    assert.deepEqual((await new CloudWatchClient(config).send(new DescribeAlarmsCommand({}))).MetricAlarms, []);
    const targets = new DescribeScalableTargetsCommand({ ServiceNamespace: "sagemaker" });
    assert.deepEqual((await new ApplicationAutoScalingClient(config).send(targets)).ScalableTargets, []);
    assert.deepEqual((await new S3Client(config).send(new ListBucketsCommand({}))).Buckets ?? [], []);
    const status = (await (
      await fetch(`${url}/_local/status`, await signed(`${url}/_local/status`, { service: "sts", credentials }))
    ).json()) as { speed: number };
    assert.equal(status.speed, 60);
    const family = await descendantsOf(pid);
    assert.ok(family.length >= 2);
    child.kill("SIGTERM");
    assert.equal(await ended(child), 0);
    assert.equal(errors, "");
    assert.deepEqual(family.filter(isAlive), []);
  });

  it("runs at real speed at rest, and fast after a change and until an awaited moment", async () => {
    const child = start(["--port", "0", "--speed", "3600", "--state-dir", join(folder, "aws")]);
    const { url, credentials } = await ready(child);
    const page = async (path: string, body?: object) => {
      const request = { service: "sts", credentials, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const answer = await fetch(`${url}${path}`, await signed(`${url}${path}`, request));
      return (await answer.json()) as { now: string; isAtRest: boolean };
    };
    const atRest = () =>
      eventually("the emulator at rest", async () => (await page("/_local/status")).isAtRest, 10_000);
    const config = sdkConfig({ url }, credentials);
    await atRest();
    const cloudWatch = new CloudWatchClient(config);
    await cloudWatch.send(new DescribeAlarmsCommand({}));
    assert.equal((await page("/_local/status")).isAtRest, true);
    // Its state may change within two days of the stack's clock.
    await cloudWatch.send(
      new PutMetricAlarmCommand({
        AlarmName: "daily",
        Namespace: "N",
        MetricName: "M",
        Statistic: "Sum",
        Period: 86_400,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: "GreaterThanThreshold",
      }),
    );
    assert.equal((await page("/_local/status")).isAtRest, false);
    await cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: ["daily"] }));
    await atRest();
    const until = Date.parse((await page("/_local/status")).now) + 2 * 3_600_000;
    assert.equal((await page("/_local/await", { until: new Date(until).toISOString() })).isAtRest, false);
    await atRest();
    const { now } = await page("/_local/status");
    assert.ok(Date.parse(now) >= until && Date.parse(now) < until + 60_000, now);
  });

  it("leaves no process when the process that started it with an IPC channel has ended", async () => {
    const child = run(true);
    const { pid } = await ready(child);
    const family = await descendantsOf(pid);
    child.disconnect();
    assert.equal(await ended(child), 0);
    assert.deepEqual(family.filter(isAlive), []);
  });

  it("outlives the process that started it after the message stay", async () => {
    const child = run(true);
    const { url, credentials } = await ready(child);
    child.send("stay");
    await once(child, "disconnect", { signal: AbortSignal.timeout(30_000) });
    const answer = await new SageMakerClient(sdkConfig({ url }, credentials)).send(new ListEndpointsCommand({}));
    assert.deepEqual(answer.Endpoints, []);
    assert.equal(child.exitCode, null);
  });

  it("leaves no process even if it is killed", async () => {
    const child = run();
    const { pid } = await ready(child);
    const family = await descendantsOf(pid);
    child.kill("SIGKILL");
    await ended(child);
    await eventually("nothing is left", () => !family.some(isAlive));
  });

  it("logs that MiniStack has ended, even if its output is not read", async () => {
    const child = run();
    const { url, pid, credentials } = await ready(child);
    await new S3Client(sdkConfig({ url }, credentials)).send(new ListBucketsCommand({}));
    child.stdout?.destroy();
    for (const member of await descendantsOf(pid)) process.kill(member, "SIGKILL");
    assert.equal(await ended(child), 1);
    assert.match(errors, /^error: MiniStack has ended \(.*ministack\.log\.\n$/);
  });

  it("can be stopped when it is ready, while MiniStack starts", async () => {
    const child = run();
    const { pid } = await ready(child);
    const family = await descendantsOf(pid);
    assert.ok(family.length > 0);
    child.kill("SIGTERM");
    assert.equal(await ended(child), 0);
    assert.equal(errors, "");
    assert.deepEqual(family.filter(isAlive), []);
  });

  it("can be stopped while it starts", async () => {
    const child = run();
    await eventually("MiniStack is being started", async () => (await descendantsOf(child.pid ?? 0)).length > 1);
    const family = await descendantsOf(child.pid ?? 0);
    child.kill("SIGTERM");
    assert.equal(await ended(child), 0);
    assert.equal(errors, "");
    assert.deepEqual(family.filter(isAlive), []);
  });

  it("ends with a reason if MiniStack ends", async () => {
    const child = run();
    const { url, pid, credentials } = await ready(child);
    // Answered when MiniStack is ready.
    await new S3Client(sdkConfig({ url }, credentials)).send(new ListBucketsCommand({}));
    let said = "";
    child.stdout?.on("data", (text: string) => (said += text));
    const family = await descendantsOf(pid);
    for (const member of family) process.kill(member, "SIGKILL");
    assert.equal(await ended(child), 1);
    assert.match(errors, /^error: MiniStack has ended \(.*ministack\.log\.\n$/);
    assert.deepEqual(JSON.parse(said), { error: errors.trimEnd().replace("error: ", "") });
  });

  it("does not start on a port that is in use, and names the option for another one", async () => {
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const child = start(["--port", String(port), "--state-dir", folder]);
    assert.equal(await ended(child), 1);
    assert.match(
      errors,
      /^error: Port \d+ on 127\.0\.0\.1 is taken by another process\. Choose another one with --port\.\n$/,
    );
    taken.close();
  });

  for (const [what, args, message] of [
    ["without a folder", [], /--state-dir is missing/],
    ["at a speed below real time", ["--state-dir", "x", "--speed", "0"], /--speed/],
    ["with an invalid port", ["--state-dir", "x", "--port", "many"], /--port takes a whole number from 0 to 65535/],
    ["with an unknown option", ["--prot", "1"], /--prot/],
  ] as const) {
    it(`does not start ${what}`, async () => {
      assert.equal(await ended(start(args)), 2);
      assert.match(errors, message);
      assert.match(errors, /; --help lists the options\.\n$/);
    });
  }
});
