import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { isAlive } from "./testing/processes.ts";
import { lastLine, run } from "./child-process.ts";

const node = (script: string) => [process.execPath, "-e", script] as const;
const limit = 30_000;

describe("a child process", () => {
  it("ends with its exit status and its output", async () => {
    const ended = await run(node('console.log("a\\nb"); console.error("c"); process.exitCode = 3;'), { limit });
    assert.deepEqual(ended, { status: 3, stdout: "a\nb\n", stderr: "c\n", timedOut: false });
  });

  it("passes on each line", async () => {
    const [out, err]: [string[], string[]] = [[], []];
    await run(node('process.stdout.write("a\\nb"); console.error("c\\nd");'), {
      limit,
      onOutput: (line) => out.push(line),
      onError: (line) => err.push(line),
    });
    assert.deepEqual(
      [out, err],
      [
        ["a", "b"],
        ["c", "d"],
      ],
    );
  });

  it("gets only the given environment and no input", async () => {
    const { stdout } = await run(
      node('process.stdin.on("end", () => console.log(Object.keys(process.env).join())).resume();'),
      { limit, env: { PATH: "/usr/bin", X: "1" } },
    );
    // Node adds this one while coverage is measured.
    const names = stdout
      .trim()
      .split(",")
      .filter((name) => name !== "NODE_V8_COVERAGE");
    assert.deepEqual(names.sort(), ["PATH", "X"]);
  });

  it("is killed at its limit, and reported with 128 plus the number of the signal", async () => {
    const { status, timedOut } = await run(node("setInterval(() => {}, 1000);"), { limit: 500 });
    assert.deepEqual({ status, timedOut }, { status: 143, timedOut: true });
  });

  it("ends with the reason of an abort", async () => {
    const controller = new AbortController();
    let pid = 0;
    const running = run(node("console.log(process.pid); setInterval(() => {}, 1000);"), {
      limit,
      signal: controller.signal,
      onOutput: (line) => {
        pid = Number(line);
        controller.abort(new Error("stopped"));
      },
    });
    await assert.rejects(running, /^Error: stopped$/);
    assert.equal(isAlive(pid), false);
  });

  it("is not started after an abort", async () => {
    await assert.rejects(run(["/nonexistent"], { limit, signal: AbortSignal.abort(new Error("stopped")) }), /stopped/);
  });

  it("is refused with the system's error if it cannot be started", async () => {
    await assert.rejects(run(["/nonexistent"], { limit }), { code: "ENOENT" });
  });

  it("has a last line", () => {
    assert.equal(lastLine("a\nb\n\n"), "b");
    assert.equal(lastLine("\n"), undefined);
  });
});
