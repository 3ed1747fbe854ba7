import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { describe, it } from "mocha";
import { isAlive, Machine, until } from "../testing/machine.ts";
import { findOnPath, run } from "./commands.mjs";
import { CommandFailed, Stopped } from "./errors.mjs";

describe("a command of setup", () => {
  it("returns its standard output, and passes on every line", async () => {
    await using machine = await Machine.create();
    await machine.command("talk", "echo one; echo two >&2; echo three");
    const lines: string[] = [];
    const stdout = await run("talk", [], { ...machine.context, onLine: (line) => lines.push(line) });
    assert.equal(stdout, "one\nthree");
    assert.deepEqual(lines.sort(), ["one", "three", "two"]);
  });

  it("fails with its name, its status and its last lines", async () => {
    await using machine = await Machine.create();
    await machine.command("fail", "echo the reason >&2; exit 3");
    await assert.rejects(run("fail", [], machine.context), (error) => {
      assert.ok(error instanceof CommandFailed);
      assert.equal(error.message, "fail ended with status 3:\n  the reason");
      assert.equal(error.output, "the reason");
      return true;
    });
  });

  it("fails with its first and last lines if it printed many", async () => {
    await using machine = await Machine.create();
    await machine.command("talk", 'n=0; while [ $n -lt 100 ]; do n=$((n + 1)); echo "line $n"; done; exit 1');
    await assert.rejects(run("talk", [], machine.context), (error) => {
      assert.ok(error instanceof CommandFailed);
      const lines = error.output.split("\n");
      assert.deepEqual(lines.slice(0, 10).concat(lines.slice(-1)), [
        ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `line ${n}`),
        ...["…", "line 89", "line 100"],
      ]);
      return true;
    });
  });

  it("fails with its name if it is not on the PATH", async () => {
    await using machine = await Machine.create();
    await assert.rejects(run("absent", [], machine.context), { message: "absent was not found" });
  });

  it("is stopped with all its processes, even those that ignore SIGTERM", async () => {
    await using machine = await Machine.create();
    const file = join(machine.folder, "pids");
    await machine.command(
      "tree",
      `trap '' TERM; /bin/sleep 600 & echo $$ $! > ${file}.new; /bin/mv ${file}.new ${file}; wait`,
    );
    const running = run("tree", [], machine.context);
    const stopped = assert.rejects(running, Stopped);
    await until("the command runs", () => existsSync(file));
    const pids = readFileSync(file, "utf8").trim().split(" ").map(Number);
    assert.equal(pids.length, 2);
    machine.stop();
    await stopped;
    await until("its processes have ended", () => !pids.some(isAlive));
  });

  it("does not start after setup was stopped", async () => {
    await using machine = await Machine.create();
    await machine.command("touch", `: > ${join(machine.folder, "touched")}`);
    machine.stop();
    await assert.rejects(run("touch", [], machine.context), Stopped);
    assert.ok(!existsSync(join(machine.folder, "touched")));
  });
});

describe("finding a command on a PATH", () => {
  it("returns the executables in the PATH's order, without folders and non-executable files", async () => {
    await using machine = await Machine.create();
    const folders = ["a", "b", "c", "d"].map((name) => join(machine.folder, name));
    const [a = "", b = "", c = "", d = ""] = folders;
    for (const folder of folders) await mkdir(folder);
    await mkdir(join(a, "tool"));
    await writeFile(join(b, "tool"), "", { mode: 0o644 });
    for (const folder of [c, d]) {
      await writeFile(join(folder, "tool"), "");
      await chmod(join(folder, "tool"), 0o755);
    }
    const path = [d, a, "", b, join(machine.folder, "absent"), c].join(delimiter);
    assert.deepEqual(findOnPath("tool", path), [join(d, "tool"), join(c, "tool")]);
    assert.deepEqual(findOnPath("tool", undefined), []);
  });
});
