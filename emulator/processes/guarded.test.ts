/** Tests that no process of a guarded family is ever left. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { eventually, isAlive } from "../../lib/testing/processes.ts";
import { startGuarded } from "./guarded.ts";
import type { GuardedProcess } from "./guarded.ts";

/** A family: a shell, its child, and a grandchild in a separate session. Each prints its process id. */
const family = [
  "python3",
  "-c",
  `import os, subprocess, sys, time
print(os.getpid(), flush=True)
child = subprocess.Popen([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(600)"])
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)`,
];

describe("A guarded process", () => {
  let folder: string;
  let logFile: string;
  const started: GuardedProcess[] = [];

  const start = async (command: readonly string[], grace = 5_000): Promise<GuardedProcess> => {
    const child = await startGuarded({ python: "python3", command, env: process.env, logFile, grace });
    started.push(child);
    return child;
  };
  const logged = async (): Promise<string[]> => {
    const text = await readFile(logFile, "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  };
  const familyPids = async (): Promise<number[]> => {
    await eventually("the family is there", async () => (await logged()).length === 3);
    return (await logged()).map(Number);
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "guarded-"));
    logFile = join(folder, "logs", "child.log");
  });

  afterEach(async () => {
    for (const child of started.splice(0)) await child.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("ends with its descendants, also those in separate sessions, when it is stopped", async () => {
    const child = await start(family, 500);
    const pids = await familyPids();
    await child.stop();
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it("gets SIGKILL after the grace if it ignores SIGTERM", async () => {
    const child = await start(["sh", "-c", "trap '' TERM; echo $$; while true; do sleep 1; done"], 300);
    await eventually("it runs", async () => (await logged()).length === 1);
    const [pid] = (await logged()).map(Number);
    await child.stop();
    assert.equal(isAlive(pid ?? 0), false);
  });

  it("may clean up on SIGTERM", async () => {
    const child = await start(["sh", "-c", "trap 'echo bye; exit 0' TERM; echo hello; while true; do sleep 0.1; done"]);
    await eventually("it runs", async () => (await logged()).includes("hello"));
    await child.stop();
    assert.ok((await logged()).includes("bye"));
  });

  it("gets SIGTERM and ends before its descendants get it, so that a server starts no worker again", async () => {
    const worker = `import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("worker ends", flush=True), sys.exit()))
print("worker", flush=True)
time.sleep(600)`;
    const server = `import signal, subprocess, sys, time
def stop(*_):
    time.sleep(0.3)
    print("server ends", flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, stop)
subprocess.Popen([sys.executable, "-c", ${JSON.stringify(worker)}]).wait()`;
    const child = await start(["python3", "-c", server]);
    await eventually("its worker runs", async () => (await logged()).includes("worker"));
    await child.stop();
    assert.deepEqual(await logged(), ["worker", "server ends", "worker ends"]);
  });

  it("ends its descendants when its command ends, and reports the exit status", async () => {
    const child = await start(["sh", "-c", "sleep 600 & echo $!; exit 3"], 500);
    assert.equal(await child.ended, "exit status 3");
    const [pid] = (await logged()).map(Number);
    assert.equal(isAlive(pid ?? 0), false);
  });

  it("has the reason in its log if it cannot be started", async () => {
    const child = await start(["/nonexistent/command"]);
    assert.equal(await child.ended, "exit status 127");
    assert.match((await logged()).join("\n"), /\/nonexistent\/command could not be started/);
  });

  it("is refused by name if there is no Python to guard it", async () => {
    await assert.rejects(
      startGuarded({ python: "/nonexistent/python", command: ["true"], env: {}, logFile, grace: 1 }),
      /\/nonexistent\/python could not be started/,
    );
  });

  it("ends with its descendants when the process that started it is killed", async () => {
    const module = new URL("guarded.ts", import.meta.url).href;
    const options = JSON.stringify({ python: "python3", command: family, logFile, grace: 500 });
    const program = `const { startGuarded } = await import(${JSON.stringify(module)});
await startGuarded({ ...${options}, env: process.env });
setInterval(() => undefined, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "inherit" });
    const pids = await familyPids();
    starter.kill("SIGKILL");
    await once(starter, "exit");
    await eventually("nothing is left", () => !pids.some(isAlive));
  });

  it("ends with its group when the guard itself is killed", async () => {
    const child = await start(["sh", "-c", "sleep 600 & echo $!; echo $$; wait"]);
    await eventually("it runs", async () => (await logged()).length === 2);
    const pids = (await logged()).map(Number);
    process.kill(child.pid, "SIGKILL");
    await child.ended;
    await eventually("nothing is left", () => !pids.some(isAlive));
  });
});
