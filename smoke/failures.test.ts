import assert from "node:assert/strict";
import { mock } from "node:test";
import { format } from "node:util";
import Mocha from "mocha";
import { showPrintable } from "./failures.ts";

describe("a failed smoke test", () => {
  it("is shown with escapes in its message, comparison and cause", async () => {
    const mocha = new Mocha({ reporter: "spec", color: false });
    mocha.suite.addTest(
      new Mocha.Test("fails", () => {
        const cause = new Error("cause\u001b[2J");
        const error = new assert.AssertionError({
          message: "the job failed: bad\n::stop-commands::x\n##[add-mask]x\u202e",
          actual: "a\u001b]0;title\u0007",
          expected: "b",
          operator: "strictEqual",
        });
        throw Object.assign(error, { cause });
      }),
    );
    const written: string[] = [];
    const log = mock.method(Mocha.reporters.Base, "consoleLog", (...args: unknown[]) => {
      written.push(format(...args));
    });
    try {
      await new Promise((resolve) => {
        showPrintable(mocha.run(resolve));
      });
    } finally {
      log.mock.restore();
    }
    const lines = written.join("\n").split("\n");
    assert.match(written.join("\n"), /the job failed: bad/);
    assert.match(written.join("\n"), /cause\\x1b\[2J/);
    for (const line of lines) {
      assert.doesNotMatch(line, /[^\P{Cc}\t]|\p{Cf}/u);
      assert.doesNotMatch(line, /^\s*::|##\[/);
    }
  });
});
