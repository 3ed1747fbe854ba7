import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "mocha";
import { runCommandLine } from "../lib/command-line.ts";
import { passedOptions, passOptions, smokeCommand } from "./options.ts";
import type { SmokeOptions } from "./options.ts";

/** Parses a command line. */
async function parse(...args: readonly string[]) {
  let options: SmokeOptions | undefined;
  let stderr = "";
  let stdout = "";
  const status = await runCommandLine(
    (context) =>
      smokeCommand(context, (given) => {
        options = given;
        return Promise.resolve(0);
      }),
    args,
    {
      stdin: process.stdin,
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      environment: {},
      signal: new AbortController().signal,
    },
  );
  return { options, stdout, stderr, status };
}

describe("the smoke test's options", () => {
  it("default to the repository's sample and to waiting for zero first", async () => {
    const { options } = await parse();
    assert.ok(options !== undefined && existsSync(options.video));
    assert.deepEqual({ ...options, video: "" }, { video: "", any: false, untilZero: false, json: false });
  });

  it("reach the spec unchanged", async () => {
    const before = passedOptions();
    const { options } = await parse("--stack", "dev", "--video", "a.mp4", "--any", "--until-zero", "--json");
    assert.ok(options !== undefined);
    passOptions(options);
    assert.deepEqual(passedOptions(), { stack: "dev", video: "a.mp4", any: true, untilZero: true, json: true });
    passOptions(before);
  });

  it("include help", async () => {
    const { options, stdout, status } = await parse("--any", "--help");
    assert.equal(options, undefined);
    assert.match(stdout, /^Usage: async-video smoke \[options\]/);
    assert.equal(status, 0);
  });

  for (const [args, words] of [
    [["--bogus"], /Unknown option '--bogus'; --help/],
    [["video.mp4"], /Too many arguments/],
    [["--video", ""], /--video needs a value; --help/],
    [["--bogus", "--video"], /argument missing/],
    [["--bogus", "--video", "--any"], /--video needs a value; Unknown option '--bogus'; --help/],
    [["--stack", "dev", "--outputs", "x.json"], /'--outputs <file>' cannot be used with option '--stack <name>'/],
  ] as const) {
    it(`refuse ${args.join(" ")}`, async () => {
      const { options, stderr, status } = await parse(...args);
      assert.equal(options, undefined);
      assert.match(stderr, words);
      assert.equal(status, 2);
    });
  }
});
