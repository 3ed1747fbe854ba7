import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "mocha";
import { Machine, outcome, until } from "./testing/machine.ts";
import { Stopped } from "./setup/errors.mjs";
import { liveOwner, ownerRecord, tryLock, unlock, withLock, workingOwner } from "./lock.mjs";

const never = new AbortController().signal;
const quietly = { signal: never, onWait: () => undefined };

/** A process that takes a lock, appends "in" and "out" to a log, and holds the lock for some time in between. */
function holder(lock: string, log: string, milliseconds: number) {
  const module = JSON.stringify(new URL("lock.mjs", import.meta.url).href);
  const script = `
    import { appendFileSync } from "node:fs";
    import { withLock } from ${module};
    const options = { signal: new AbortController().signal, onWait() {} };
    await withLock(${JSON.stringify(lock)}, options, async () => {
      appendFileSync(${JSON.stringify(log)}, "in\\n");
      await new Promise((done) => setTimeout(done, ${milliseconds}));
      appendFileSync(${JSON.stringify(log)}, "out\\n");
    });`;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
}

describe("a lock between processes", () => {
  it("names its owner while it is held, and is gone after", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "deep", "lock");
    const result = await withLock(lock, quietly, async () => {
      assert.deepEqual(workingOwner(lock), ownerRecord());
      return Promise.resolve("done");
    });
    assert.equal(result, "done");
    assert.ok(!existsSync(lock));
    assert.equal(workingOwner(lock), undefined);
  });

  it("is given back when the work fails", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "lock");
    await assert.rejects(
      withLock(lock, quietly, () => Promise.reject(new Error("broken"))),
      /broken/,
    );
    assert.ok(!existsSync(lock));
  });

  it("lets one process in at a time", async () => {
    await using machine = await Machine.create();
    const [lock, log] = [join(machine.folder, "lock"), join(machine.folder, "log")];
    await Promise.all([1, 2, 3].map(() => outcome(holder(lock, log, 100))));
    assert.equal(await readFile(log, "utf8"), "in\nout\n".repeat(3));
  });

  it("says once who has it, and waits", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "lock");
    const order: string[] = [];
    const owners: (number | undefined)[] = [];
    const entered = Promise.withResolvers<undefined>();
    const first = withLock(lock, quietly, async () => {
      entered.resolve(undefined);
      await until("the second waits", () => owners.length > 0);
      await sleep(500);
      order.push("first");
    });
    await entered.promise;
    const options = { signal: never, onWait: (owner: number | undefined) => owners.push(owner) };
    const second = withLock(lock, options, () => Promise.resolve(order.push("second")));
    await Promise.all([first, second]);
    assert.deepEqual(order, ["first", "second"]);
    assert.deepEqual(owners, [process.pid]);
  });

  it("is taken over from a process that was killed", async () => {
    await using machine = await Machine.create();
    const [lock, log] = [join(machine.folder, "lock"), join(machine.folder, "log")];
    const killed = holder(lock, log, 600_000);
    await until("the other process has the lock", () => existsSync(log));
    const ended = outcome(killed);
    killed.kill("SIGKILL");
    await ended;
    assert.ok(existsSync(lock));
    let waited = false;
    await withLock(lock, { signal: never, onWait: () => (waited = true) }, () => Promise.resolve());
    assert.equal(waited, false);
  });

  it("is taken over from a process whose number another process has now", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "lock");
    await writeFile(lock, JSON.stringify({ ...ownerRecord(), started: "1" }));
    assert.equal(liveOwner(lock), undefined);
    assert.equal(tryLock(lock), true);
    assert.deepEqual(liveOwner(lock), ownerRecord());
  });

  it("is taken over if a power failure has cut its record", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "lock");
    for (const text of ["", '{"pid": 1', "17", "null"]) {
      await writeFile(lock, text);
      assert.equal(tryLock(lock), true, text);
      unlock(lock);
    }
  });

  it("on another machine counts as left behind only without a heartbeat", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "lock");
    await writeFile(lock, JSON.stringify({ ...ownerRecord(), host: "another" }));
    assert.notEqual(workingOwner(lock), undefined);
    const longAgo = new Date(Date.now() - 120_000);
    await utimes(lock, longAgo, longAgo);
    assert.notEqual(liveOwner(lock), undefined);
    assert.equal(tryLock(lock), false);
    assert.equal(workingOwner(lock), undefined);
    await withLock(lock, quietly, () => Promise.resolve());
    assert.ok(!existsSync(lock));
  });

  it("is not waited for any longer once the signal comes", async () => {
    await using machine = await Machine.create();
    const lock = join(machine.folder, "lock");
    await writeFile(lock, JSON.stringify(ownerRecord()));
    const stop = new AbortController();
    const work = () => assert.fail("the lock belonged to another");
    const waiting = withLock(
      lock,
      {
        signal: stop.signal,
        onWait: () => {
          stop.abort();
        },
      },
      work,
    );
    await assert.rejects(waiting, Stopped);
    assert.ok(existsSync(lock), "the other's lock stays");
  });

  it("ends with an error for a place where no folder can be created", async () => {
    const options = { signal: new AbortController().signal, onWait: () => undefined };
    await assert.rejects(
      withLock("/proc/none/below/a.lock", options, () => Promise.resolve()),
      /\/proc/,
    );
  });
});
