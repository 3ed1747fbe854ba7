import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "mocha";

const module = new URL("foreground.mjs", import.meta.url).href;

/** Starts a process that runs this program of Node in the foreground and exits with its status; none of its streams is a terminal. */
function start(program: string) {
  const script = `
import { runInForeground } from ${JSON.stringify(module)};
process.exitCode = await runInForeground(process.execPath, ["-e", ${JSON.stringify(program)}]);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  const ended = once(child, "close").then(([status]) => ({ status: status as number | null, stdout }));
  return { child, ended };
}

describe("a program in the foreground", () => {
  it("writes to the same streams, and its exit status is kept", async () => {
    assert.deepEqual(await start('console.log("hello"); process.exitCode = 7;').ended, {
      status: 7,
      stdout: "hello\n",
    });
  });

  it("is reported with 128 plus the number of the signal that killed it", async () => {
    assert.equal((await start('process.kill(process.pid, "SIGKILL");').ended).status, 137);
  });

  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    it(`gets ${signal} once and decides when to end`, async () => {
      const { child, ended } = start(`
let count = 0;
process.on("${signal}", () => { count += 1; setTimeout(() => { console.log(count); process.exit(${status}); }, 300); });
setInterval(() => {}, 1000);
console.log("ready");`);
      await once(child.stdout, "data");
      child.kill(signal);
      assert.deepEqual(await ended, { status, stdout: "ready\n1\n" });
    });
  }
});
