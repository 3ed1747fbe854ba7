import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { parseOptions, UsageError } from "./options.ts";

describe("the command line of npm start", () => {
  it("takes every option", () => {
    const args = ["--video", "a.mp4", "--weights", "coco", "--speed", "60", "--port", "4567", "--keep", "--json"];
    assert.deepEqual(parseOptions(args), {
      video: "a.mp4",
      weights: "coco",
      speed: 60,
      port: 4567,
      keep: true,
      json: true,
      help: false,
    });
  });

  it("needs none", () => {
    assert.deepEqual(parseOptions([]), { keep: false, json: false, help: false });
  });

  for (const [what, args, words] of [
    ["a port that is no number", ["--port", "http"], /--port takes a whole number from 1 to 65535/],
    ["port 0", ["--port", "0"], /--port takes a whole number from 1 to 65535/],
    ["a port that no machine has", ["--port", "65536"], /--port/],
    ["a speed of half", ["--speed", "0.5"], /--speed takes a whole number from 1 to 3600/],
    ["weights that do not exist", ["--weights", "large"], /--weights takes small or coco/],
    ["an unknown option", ["--fast"], /--fast/],
    ["a stray word", ["video.mp4"], /video\.mp4/],
    ["an option without its value", ["--video"], /video/],
  ] as const) {
    it(`refuses ${what} and names the help`, () => {
      assert.throws(
        () => parseOptions(args),
        (error: Error) => error instanceof UsageError && words.test(error.message) && error.message.includes("--help"),
      );
    });
  }

  it("refuses an option that this command does not have", () => {
    assert.throws(() => parseOptions(["--video", "a.mp4"], ["json"]), UsageError);
  });

  it("refuses a local command named like an object's member", async () => {
    const running = promisify(execFile)(process.execPath, [
      path.join(import.meta.dirname, "local", "local.ts"),
      "constructor",
    ]);
    await assert.rejects(running, { code: 2, stderr: /^There is no command "constructor"\./ });
  });
});
