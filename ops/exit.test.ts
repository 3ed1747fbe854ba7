import assert from "node:assert/strict";
import { DeploymentError } from "./deployment/deployment.ts";
import { exitStatusOf, messageOf, withRemedy } from "./exit.ts";
import { EmulatorError } from "./local/emulator.ts";
import { ModelCommandError } from "./start/model.ts";

describe("the end of a command of the emulator", () => {
  for (const [error, what] of [
    [new DeploymentError("pulumi up failed: write /x: no space left on device"), "the engine"],
    [new EmulatorError("ENOSPC: no space left on device, write"), "the emulator"],
    [new ModelCommandError("OSError: [Errno 28] No space left on device"), "Python"],
  ] as const) {
    it(`repeats the words of ${what} about a full disk, and says what to do, in one line`, () => {
      assert.equal(messageOf(error), `${error.message} (the disk is full: free some space and run the command again)`);
      assert.equal(exitStatusOf(error), 1);
    });
  }

  it("says what to do in one line if this process cannot write, with status 2", () => {
    const error = Object.assign(new Error("EROFS: read-only file system, mkdir '/x/.local'"), { code: "EROFS" });
    assert.match(messageOf(error), /^EROFS.*'\/x\/\.local' \(the file system is read-only: choose a folder.*\)$/);
    assert.equal(exitStatusOf(error), 2);
  });

  it("says what to do below a message of several lines", () => {
    const finding = "The stack cannot be previewed:\n  open /x: permission denied";
    assert.match(withRemedy(finding), /^The stack .*:\n {2}open .* denied\nyou may not .*folder$/);
  });

  it("keeps the lines of a finding", () => {
    const finding = "The stack differs from the program:\n  a bucket: tags\n  an alarm: threshold";
    assert.equal(withRemedy(finding), finding);
  });

  it("adds nothing to other words", () => {
    const error = new DeploymentError("pulumi up failed:\nValidationException: no");
    assert.equal(messageOf(error), error.message);
  });
});
