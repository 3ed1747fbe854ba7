import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repoRoot } from "../tools/paths.mjs";
import { ModelCommandError, startDrawing } from "./model.ts";

const sample = join(repoRoot, "model", "samples", "street.mp4");

describe("a drawing in the background", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "drawing-"));
  });

  after(() => rm(folder, { recursive: true }));

  const start = (signal = new AbortController().signal) =>
    startDrawing(sample, join(folder, "none.json"), join(folder, "out"), signal);

  it("fails with the program's reason", async () => {
    await using drawing = start();
    await assert.rejects(drawing.finished, (error: Error) => {
      assert.ok(error instanceof ModelCommandError);
      assert.match(error.message, /none\.json cannot be read/);
      return true;
    });
  });

  it("is given up when it is disposed of, without an unhandled rejection, and leaves no file", async () => {
    const drawing = start();
    await drawing[Symbol.asyncDispose]();
    await assert.rejects(drawing.finished, { name: "AbortError" });
    assert.deepEqual(await readdir(folder), []);
  });

  it("ends with the caller's reason when the caller's signal aborts", async () => {
    const end = new AbortController();
    await using drawing = start(end.signal);
    end.abort(new Error("the person asked for the end"));
    await assert.rejects(drawing.finished, /the person asked for the end/);
  });
});
