import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { describe, it } from "mocha";
import { startCommandFixture } from "../testing/command-fixture.ts";
import { runOnStack } from "./session.ts";

describe("a command on a stack", () => {
  it("reports an interrupt at once, before its work has ended", async () => {
    await using fixture = await startCommandFixture();
    const outputs = fixture.path("outputs.json");
    await writeFile(outputs, JSON.stringify(fixture.aws.outputs));
    const controller = new AbortController();
    let written = "";
    let status = 0;
    const terminal = {
      environment: {},
      stdin: Readable.from([]),
      stdout: { write: () => true },
      stderr: { write: (text: string) => (written += text) },
      signal: controller.signal,
      exitWith: (given: number) => (status = given),
    };
    await runOnStack({ outputs, json: false }, terminal, async ({ signal }) => {
      controller.abort();
      assert.equal(written, "Interrupted.\n");
      await Promise.resolve();
      signal.throwIfAborted();
      return 0;
    });
    assert.deepEqual([status, written], [130, "Interrupted.\n"]);
  });
});
