import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { makeFolder, writeWhole } from "./files.ts";
import { remedyFor } from "./remedies.ts";

describe("files and folders", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "files-"));
  });

  afterEach(() => rm(folder, { recursive: true }));

  it("are made with the folders above them, and with the given permissions", async () => {
    makeFolder(join(folder, "a", "b"), 0o700);
    makeFolder(join(folder, "a", "b"));
    for (const path of ["a", "a/b"]) assert.equal((await stat(join(folder, path))).mode & 0o777, 0o700);
    await writeWhole(join(folder, "a", "b", "file"), "content", 0o600);
    assert.equal(await readFile(join(folder, "a", "b", "file"), "utf8"), "content");
    assert.equal((await stat(join(folder, "a", "b", "file"))).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(join(folder, "a", "b")), ["file"]);
  });

  for (const { what, place, remedy } of [
    { what: "below /proc, which takes no folders", place: "/proc/none/below", remedy: /^no folder can be made there/ },
    { what: "below a file", place: "file/below", remedy: /a file or a broken link: remove it/ },
    { what: "in the place of a file", place: "file", remedy: /a file or a broken link: remove it/ },
    { what: "below a broken link", place: "link/below", remedy: /a file or a broken link: remove it/ },
  ]) {
    it(`are refused with a remedy ${what}`, async () => {
      await writeFile(join(folder, "file"), "");
      await symlink(join(folder, "nowhere"), join(folder, "link"));
      // In another process, which can be ended if mkdir never does.
      const script = `
        import { makeFolder } from ${JSON.stringify(new URL("files.ts", import.meta.url).href)};
        import { remedyFor } from ${JSON.stringify(new URL("remedies.ts", import.meta.url).href)};
        try { makeFolder(${JSON.stringify(place.startsWith("/") ? place : join(folder, place))}); }
        catch (error) { console.log(remedyFor(error)); }`;
      const made = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
        encoding: "utf8",
        timeout: 20_000,
      });
      assert.match(made.stdout, remedy, made.stderr);
    });
  }

  it("are left as they were if a file cannot be written whole", async () => {
    const file = join(folder, "file");
    await writeFile(file, "before");
    // A limit of one block of 512 bytes: Node gets EFBIG, as it gets ENOSPC on a full disk.
    const script = `
      import { writeWhole } from ${JSON.stringify(new URL("files.ts", import.meta.url).href)};
      import { remedyFor } from ${JSON.stringify(new URL("remedies.ts", import.meta.url).href)};
      await writeWhole(${JSON.stringify(file)}, "x".repeat(100_000)).catch((error) => console.log(error.message, remedyFor(error)));`;
    const node = [process.execPath, "--input-type=module", "--eval", script];
    const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -f 1; exec "$0" "$@"', ...node], { encoding: "utf8" });
    assert.match(stdout, /^Cannot write .*file: EFBIG the limit on the size of files is reached/, stderr);
    assert.equal(await readFile(file, "utf8"), "before");
    assert.deepEqual(await readdir(folder), ["file"]);
  });

  it("name the missing folder for temporary files", async () => {
    const error: unknown = await mkdtemp(join(folder, "none", "x-")).catch((reason: unknown) => reason);
    assert.match(remedyFor(error) ?? "", /^the folder for temporary files does not exist: set TMPDIR/);
  });
});
