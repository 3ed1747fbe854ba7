import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Machine } from "../testing/machine.ts";
import { verify } from "./release.mjs";

describe("a published list of checksums", () => {
  it("must list the file", async () => {
    await using machine = await Machine.create();
    const file = join(machine.folder, "file");
    await writeFile(file, "abc");
    // SHA-256 of "abc": FIPS 180-2, appendix B.1.
    const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    await verify(file, "file", `${"0".repeat(64)}  other\n${sum} *file\n`);
    await assert.rejects(verify(file, "file", `${sum}  other\n`), /do not list file/);
    await assert.rejects(verify(file, "file", `${"0".repeat(64)}  file\n`), new RegExp(`has the SHA-256 ${sum}`));
  });
});
