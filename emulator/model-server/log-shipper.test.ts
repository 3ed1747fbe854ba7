/** Tests which parts of an instance's log reach CloudWatch Logs. */
import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { eventually } from "../../lib/testing/processes.ts";
import { LogShipper } from "./log-shipper.ts";

describe("LogShipper", () => {
  let folder: string;
  let file: string;
  let sent: string[];
  const send = async (lines: readonly string[]): Promise<void> => {
    sent.push(...lines);
    await Promise.resolve();
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "shipper-"));
    file = join(folder, "instance.log");
    sent = [];
  });

  afterEach(() => rm(folder, { recursive: true }));

  it("sends complete lines as the file grows, each once, and the rest at the end", async () => {
    const shipper = new LogShipper(file, send);
    await appendFile(file, "one\n\ntwo\nthr");
    await eventually("lines are sent", () => sent.length > 0);
    assert.deepEqual(sent, ["one", "two"]);
    await appendFile(file, "ee\nfour");
    await shipper.stop();
    assert.deepEqual(sent, ["one", "two", "three", "four"]);
  });

  it("does not break a character that was written in two parts", async () => {
    const shipper = new LogShipper(file, send);
    const bytes = Buffer.from("größe\n");
    await appendFile(file, Buffer.concat([Buffer.from("first\n"), bytes.subarray(0, 3)]));
    await eventually("lines are sent", () => sent.length > 0);
    await appendFile(file, bytes.subarray(3));
    await shipper.stop();
    assert.deepEqual(sent, ["first", "größe"]);
  });

  it("cuts long lines, and sends nothing if there is no file", async () => {
    await new LogShipper(file, send).stop();
    assert.deepEqual(sent, []);
    await appendFile(file, "x".repeat(100_000));
    await new LogShipper(file, send).stop();
    assert.deepEqual(sent, ["x".repeat(80_000)]);
  });

  it("keeps CloudWatch Logs' limits for a call", async () => {
    const calls: number[] = [];
    const count = async (lines: readonly string[]): Promise<void> => {
      calls.push(lines.length);
      await Promise.resolve();
    };
    await appendFile(file, "line\n".repeat(25_000));
    await new LogShipper(file, count).stop();
    assert.deepEqual(calls.splice(0), [10_000, 10_000, 5_000]);
    await appendFile(file, `${"x".repeat(70_000)}\n`.repeat(20));
    const all = new LogShipper(file, count);
    await all.stop();
    assert.deepEqual(calls, [10_000, 10_000, 5_012, 8]);
  });
});
