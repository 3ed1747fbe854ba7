import assert from "node:assert/strict";
import { mock } from "node:test";
import { format } from "node:util";
import { describe, it } from "mocha";
import Mocha from "mocha";
import { showPrintable } from "./failures.ts";

/** Runs a suite; returns what the reporter prints. */
async function shown(mocha: Mocha): Promise<string> {
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
  return written.join("\n");
}

describe("a failed smoke test", () => {
  it("is shown with the remedy for an error of the machine", async () => {
    const mocha = new Mocha({ reporter: "spec", color: false });
    mocha.suite.addTest(
      new Mocha.Test("fails", () => {
        throw Object.assign(new Error("Signature expired: it is now earlier"), {
          name: "InvalidSignatureException",
          $metadata: {},
        });
      }),
    );
    const text = await shown(mocha);
    assert.equal(text.split("Signature expired: it is now earlier (this machine's clock differs from AWS's").length, 2);
  });

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
    const text = await shown(mocha);
    assert.match(text, /the job failed: bad/);
    assert.match(text, /cause\\x1b\[2J/);
    for (const line of text.split("\n")) {
      assert.doesNotMatch(line, /[^\P{Cc}\t]|\p{Cf}/u);
      assert.doesNotMatch(line, /^\s*::|##\[/);
    }
  });
});
