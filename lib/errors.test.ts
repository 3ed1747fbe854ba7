import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  exitCodeOf,
  explain,
  InterruptedError,
  InvalidInputError,
  QuotedError,
  UsageError,
  UserError,
} from "./errors.ts";

describe("the end of a command", () => {
  for (const [kind, error, text, status] of [
    ["an error for the user", new UserError("There is no stack x."), "There is no stack x.", 1],
    [
      "its hint",
      new UserError("No stack is up", { hint: "run npm run local:up" }),
      "No stack is up (run npm run local:up)",
      1,
    ],
    ["its exit status", new UserError("Stopped by SIGTERM.", { exitCode: 143 }), "Stopped by SIGTERM.", 143],
    [
      "the hint for a quotation on a separate line",
      new UserError("pulumi up failed:\nwrite /x: no space\n", { hint: "free some space" }),
      "pulumi up failed:\nwrite /x: no space\nfree some space",
      1,
    ],
    [
      "the remedy for a full disk in a quotation of the engine",
      new QuotedError("pulumi up failed:\nwrite /x: no space left on device"),
      "pulumi up failed:\nwrite /x: no space left on device\nthe disk is full: free some space and run the command again",
      1,
    ],
    [
      "the remedy for a full disk in a line of Python",
      new QuotedError("OSError: [Errno 28] No space left on device"),
      "OSError: [Errno 28] No space left on device (the disk is full: free some space and run the command again)",
      1,
    ],
    [
      "a quotation without a known remedy",
      new QuotedError("pulumi up failed:\nValidationException: no"),
      "pulumi up failed:\nValidationException: no",
      1,
    ],
    [
      "the remedy for a read-only folder",
      Object.assign(new Error("EROFS: read-only file system, mkdir '/x/.local'"), { code: "EROFS" }),
      "EROFS: read-only file system, mkdir '/x/.local' (the file system is read-only: choose a folder that you can write to)",
      2,
    ],
    ["an invalid input", new InvalidInputError("x.mp4 is empty."), "x.mp4 is empty.", 2],
    ["an interruption", new InterruptedError("SIGINT", 130), "Stopped by SIGINT. Nothing of it is left.", 130],
    [
      "an interruption that leaves something",
      new InterruptedError("SIGTERM", 143).leaving("The result is in out/run-1."),
      "Stopped by SIGTERM. The result is in out/run-1.",
      143,
    ],
    ["all problems of a command line", new UsageError("a", "b"), "a; b; --help lists the options.", 2],
    [
      "AWS's code, which the message does not repeat",
      Object.assign(new Error("no\n right"), { name: "AccessDenied", $metadata: {} }),
      "AccessDenied: no right (these AWS credentials may not do this: attach the stack's caller or operator policy)",
      2,
    ],
    ["any other error in one line", new Error("a\nb"), "a b", 1],
    ["a value that is no error", "x", "x", 1],
  ] as const) {
    it(`describes ${kind}`, () => {
      assert.equal(explain(error), text);
      assert.equal(exitCodeOf(error), status);
    });
  }

  it("shows the stack trace of a fault of the program", () => {
    assert.match(explain(new TypeError("x is not a function")), /^TypeError: x is not a function\n +at /);
  });
});
