import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "mocha";
import { cpuSecondsOfDescendants, descendantSeconds, parseStat } from "./cpu-time.ts";

describe("the CPU time of a process family", () => {
  it("is read from /proc/PID/stat for any name of a process", () => {
    const text = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 200 0 0 11 12 13 14 20 0 1 0 99 0 0";
    assert.deepEqual(parseStat(text), { pid: 42, parent: 7, own: 23, ended: 27 });
  });

  it("includes running and ended descendants of a process, but not the process and other families", () => {
    const processes = [
      { pid: 1, parent: 0, own: 1000, ended: 1000 },
      { pid: 10, parent: 1, own: 500, ended: 40 },
      { pid: 11, parent: 10, own: 100, ended: 20 },
      { pid: 12, parent: 11, own: 30, ended: 0 },
      { pid: 20, parent: 1, own: 700, ended: 0 },
    ];
    assert.equal(descendantSeconds(10, processes), 1.9);
  });

  it("includes the time of a grandchild after both have ended", () => {
    const work = "const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);";
    const before = cpuSecondsOfDescendants();
    execFileSync("sh", ["-c", '"$0" -e "$1"; true', process.execPath, work]);
    assert.ok(cpuSecondsOfDescendants() - before >= 0.29);
  });
});
