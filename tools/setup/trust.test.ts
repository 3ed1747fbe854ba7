import assert from "node:assert/strict";
import { chmod, chown, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { describe, it } from "mocha";
import { Machine } from "../testing/machine.ts";
import { canOthersChange, trustedPath } from "./trust.mjs";

/** Makes a folder in a machine's folder, with a mode for each part of its path. */
async function folderIn(machine: Machine, ...parts: [name: string, mode: number][]): Promise<string> {
  let folder = machine.folder;
  for (const [name, mode] of parts) {
    folder = join(folder, name);
    await mkdir(folder);
    await chmod(folder, mode);
  }
  return folder;
}

describe("a folder that other users can change", () => {
  for (const { title, parts, open } of [
    { title: "is one that all users can write to", parts: [["a", 0o777]], open: true },
    { title: "is one that all users can write to, even with the sticky bit", parts: [["a", 0o1777]], open: true },
    {
      title: "is one in a folder that all users can write to",
      parts: [
        ["a", 0o777],
        ["b", 0o755],
      ],
      open: true,
    },
    {
      title: "is not this user's folder in a shared temporary folder",
      parts: [
        ["a", 0o1777],
        ["b", 0o755],
      ],
      open: false,
    },
    { title: "is not one that only its owner can write to", parts: [["a", 0o755]], open: false },
  ] satisfies { title: string; parts: [string, number][]; open: boolean }[]) {
    it(title, async () => {
      await using machine = await Machine.create();
      assert.equal(canOthersChange(await folderIn(machine, ...parts)), open);
    });
  }

  it("is one of another user", async () => {
    await using machine = await Machine.create();
    const { getuid } = process;
    assert.ok(getuid !== undefined);
    assert.equal(canOthersChange(machine.bin), false);
    const user = getuid();
    try {
      // Only root can change a folder's owner; for other users, the test changes the process's user ID.
      if (user === 0) await chown(machine.bin, 4242, 4242);
      else process.getuid = () => user + 4242;
      assert.equal(canOthersChange(machine.bin), true);
    } finally {
      process.getuid = getuid;
    }
  });

  it("is one that a group of several users can write to", async () => {
    await using machine = await Machine.create();
    const folder = await folderIn(machine, ["a", 0o775]);
    const { getuid, getgid } = process;
    assert.ok(getuid !== undefined && getgid !== undefined);
    // A user's private group has the user's ID; the group root has administrators.
    assert.equal(canOthersChange(folder), getgid() !== 0 && getgid() !== getuid());
  });

  it("is one that is the target of this user's link", async () => {
    await using machine = await Machine.create();
    const open = await folderIn(machine, ["open", 0o777]);
    await writeFile(join(open, "tool"), "");
    await symlink(join(open, "tool"), join(machine.bin, "tool"));
    assert.equal(canOthersChange(join(machine.bin, "tool")), true);
    assert.equal(canOthersChange(machine.bin), false);
  });
});

describe("the PATH that setup searches", () => {
  it("has no relative or missing folders, and none that others can change, which are returned separately", async () => {
    await using machine = await Machine.create();
    const open = await folderIn(machine, ["open", 0o777]);
    const path = ["", ".", "bin", "node_modules/.bin", open, join(machine.folder, "absent"), machine.bin];
    assert.deepEqual(trustedPath(path.join(delimiter), "/clone"), { path: machine.bin, ignored: [open] });
  });

  it("has the project's node_modules/.bin, but not those of its parent folders", async () => {
    await using machine = await Machine.create();
    const clone = join(machine.folder, "projects", "clone");
    const bins = [clone, dirname(clone), machine.folder].map((folder) => join(folder, "node_modules", ".bin"));
    for (const folder of bins) await mkdir(folder, { recursive: true });
    const [own = ""] = bins;
    assert.deepEqual(trustedPath([...bins, machine.bin].join(delimiter), clone), {
      path: [own, machine.bin].join(delimiter),
      ignored: [],
    });
  });

  it("has the folder of the running Node, which contains npm, even if others can change it", () => {
    const folder = dirname(process.execPath);
    assert.equal(trustedPath(folder, "/clone").path, folder);
    assert.equal(trustedPath(undefined, "/clone").path, "");
  });
});
