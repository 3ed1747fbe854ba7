import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { runCommandLine } from "../lib/command-line.ts";
import type { CommandContext } from "../lib/command-line.ts";
import { startCommand } from "./start/start.ts";
import { rehearseCommand } from "./rehearsal/rehearse.ts";
import { previewCommand } from "./deployment/preview.ts";
import { run } from "./testing/commands.ts";

/** Parses a command line of a command without running it; returns the values, the errors and the exit status. */
async function parse(define: (context: CommandContext) => CommandUnknownOpts, args: readonly string[]) {
  let values: unknown;
  let stderr = "";
  const status = await runCommandLine(
    (context) => {
      const command = define(context);
      // Replaces the action.
      command.action(() => {
        values = command.opts();
      });
      return command;
    },
    args,
    {
      stdin: process.stdin,
      stdout: { write: () => undefined },
      stderr: { write: (text) => (stderr += text) },
      environment: {},
      signal: new AbortController().signal,
    },
  );
  return { values, stderr, status };
}

describe("the command line of npm start", () => {
  it("takes every option", async () => {
    const args = ["--video", "a.mp4", "--weights", "coco", "--speed", "60", "--port", "4567", "--keep", "--json"];
    args.push("--provider", "official");
    assert.deepEqual((await parse(startCommand, args)).values, {
      video: "a.mp4",
      weights: "coco",
      speed: 60,
      provider: "official",
      port: 4567,
      keep: true,
      json: true,
    });
  });

  it("needs no option", async () => {
    assert.deepEqual((await parse(startCommand, [])).values, {
      video: "model/samples/street.mp4",
      speed: 960,
      provider: "emulated",
      port: 4566,
      keep: false,
      json: false,
    });
  });

  for (const [what, args, words] of [
    ["a port that is no number", ["--port", "http"], /--port takes a whole number from 1 to 65535/],
    ["port 0", ["--port", "0"], /--port takes a whole number from 1 to 65535/],
    ["a port that no machine has", ["--port", "65536"], /--port/],
    ["a speed of half", ["--speed", "0.5"], /--speed takes a whole number from 1 to 3600/],
    ["weights that do not exist", ["--weights", "large"], /--weights takes small or coco/],
    ["an unknown provider", ["--provider", "other"], /--provider takes emulated or official/],
    ["an unknown option", ["--fast"], /--fast/],
    ["an operand", ["video.mp4"], /too many arguments/i],
    ["an option without its value", ["--video"], /video/],
    ["an option of another command", ["--config", "a=b"], /--config/],
  ] as const) {
    it(`refuses ${what} and names the help`, async () => {
      const { values, stderr, status } = await parse(startCommand, args);
      assert.equal(values, undefined);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.match(stderr, /--help/);
    });
  }
});

describe("the command line of the rehearsal", () => {
  it("collects settings", async () => {
    const { values } = await parse(rehearseCommand, ["--config", "minCapacity=1", "--config", "aws:region=x"]);
    assert.deepEqual((values as { config: unknown }).config, [
      { key: "async-video-inference:minCapacity", value: 1 },
      { key: "aws:region", value: "x" },
    ]);
  });
});

describe("the command line of the preview", () => {
  for (const stack of ["dev", "prod", "local", "pr-7"]) {
    it(`takes the stack ${stack}`, async () => {
      assert.equal((await parse(previewCommand, ["--stack", stack])).status, 0);
    });
  }

  for (const [args, words] of [
    [["--stack", "staging"], /--stack takes dev, prod, local, or pr-N/],
    [["--stack", "pr"], /--stack takes the stack of one pull request, such as pr-1/],
    [[], /--stack is missing/],
  ] as const) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      const { stderr, status } = await parse(previewCommand, args);
      assert.match(stderr, words);
      assert.equal(status, 2);
    });
  }
});

describe("the program", () => {
  it("checks a command line before it loads Pulumi's SDK, which takes seconds", async () => {
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ resolve: (name, context, next) => {
        if (name.startsWith("@pulumi/")) throw new Error("loads " + name);
        return next(name, context);
      } });`;
    const loadAll = `import { commands } from "./ops/commands.ts"; for (const { load } of commands) await load?.();`;
    const args = ["--import", `data:text/javascript,${encodeURIComponent(hook)}`, "--input-type=module", "-e", loadAll];
    const { status, stderr } = await run(args).finished;
    assert.equal(status, 0, stderr);
  });

  it("refuses a command named like an object's member", async () => {
    for (const args of [["constructor"], ["local", "constructor"]]) {
      const { status, stderr } = await run(["ops/main.ts", ...args]).finished;
      assert.equal(status, 2);
      assert.match(stderr, /^error: Unknown command 'constructor'/);
    }
  });
});
