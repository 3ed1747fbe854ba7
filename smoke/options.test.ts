import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { hand, handed, parseOptions } from "./options.ts";

describe("the smoke test's options", () => {
  afterEach(() => {
    delete process.env["SMOKE_OPTIONS"];
  });

  it("default to the repository's sample and to waiting for zero first", () => {
    const options = parseOptions([]);
    assert.ok(options !== "help" && existsSync(options.video));
    assert.deepEqual({ ...options, video: "" }, { video: "", any: false, "until-zero": false, json: false });
  });

  it("reach the spec unchanged", () => {
    const options = parseOptions(["--stack", "dev", "--video", "a.mp4", "--any", "--until-zero", "--json"]);
    assert.ok(options !== "help");
    hand(options);
    assert.deepEqual(handed(), {
      stack: "dev",
      video: "a.mp4",
      any: true,
      "until-zero": true,
      json: true,
    });
  });

  it("include help", () => {
    assert.equal(parseOptions(["--any", "--help"]), "help");
  });

  for (const [args, words] of [
    [["--bogus"], /Unknown option '--bogus'; --help/],
    [["video.mp4"], /Unexpected argument/],
    [["--video", ""], /--video needs a value; --help/],
    [
      ["--any=1", "--bogus", "a.mp4", "--video"],
      /^--any takes no value; Unknown option '--bogus'; --video needs a value; Unexpected argument 'a\.mp4'; --help/,
    ],
    [["--stack", "dev", "--outputs", "x.json"], /Use either --stack or --outputs, not both/],
  ] as const) {
    it(`refuse ${args.join(" ")}`, () => {
      assert.throws(() => parseOptions(args), { name: "SetupError", message: words });
    });
  }
});
