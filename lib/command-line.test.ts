import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { Option } from "@commander-js/extra-typings";
import { createCommand, oneOf, runCommandLine, runProgram, wholeNumber } from "./command-line.ts";
import type { CommandContext, CommandEntry, Terminal } from "./command-line.ts";
import { UserError } from "./errors.ts";

/** Runs a command line of a sample program; returns its output, its exit status and the values that the action got. */
async function run(args: readonly string[], work?: (context: CommandContext) => void) {
  const output = { stdout: "", stderr: "", got: undefined as unknown };
  const controller = new AbortController();
  const terminal: Terminal = {
    stdin: process.stdin,
    stdout: { write: (text) => (output.stdout += text) },
    stderr: { write: (text) => (output.stderr += text) },
    environment: {},
    signal: controller.signal,
  };
  const build = (context: CommandContext) =>
    createCommand("send", "send videos")
      .argument("<video...>", "files")
      .option("--ttl <seconds>", "time in the queue", wholeNumber("whole seconds", 60, 21_600))
      .option("--to <folder>", "folder", "out")
      .option("--config <key=value...>", "setting")
      .option("--wait", "wait", false)
      .option("--form <form>", "form", oneOf(["json", "ndjson"]))
      .addOption(new Option("--detach", "do not wait").conflicts("wait"))
      .action((videos, { ttl, to, config, wait, form }) => {
        output.got = { videos, ttl, to, config, wait, form };
        work?.(context);
      });
  const status = await runCommandLine(build, args, terminal);
  return { ...output, status };
}

describe("a command line", () => {
  it("takes an option twice only if it is repeatable", async () => {
    const twice = await run(["a.mp4", "--ttl", "90", "--to", "x", "--ttl=120", "--to", "y"]);
    assert.equal(twice.got, undefined);
    assert.match(twice.stderr, /^error: --ttl is given more than once; --to is given more than once; --help/);
    assert.equal(twice.status, 2);
  });

  it("passes typed values and defaults to the action", async () => {
    const { got, status } = await run(["a.mp4", "--ttl", "90", "b.mp4", "--config", "x=1", "--config=y=2"]);
    assert.deepEqual(got, {
      videos: ["a.mp4", "b.mp4"],
      ttl: 90,
      to: "out",
      config: ["x=1", "y=2"],
      wait: false,
      form: undefined,
    });
    assert.equal(status, 0);
  });

  it("reports all invalid and unknown options at once, and runs nothing", async () => {
    const args = ["a.mp4", "--ttl", "5", "--nope", "--form", "x", "--wait=yes", "--to", "--wait", "--nay=1"];
    const { got, stderr, status } = await run(args);
    assert.equal(got, undefined);
    assert.equal(
      stderr,
      "error: --ttl takes whole seconds from 60 to 21600; --form takes json or ndjson; --to needs a value; " +
        "Unknown option '--nope'; --wait takes no value; Unknown option '--nay=1'; --help lists the options.\n",
    );
    assert.equal(status, 2);
  });

  it("reports an invalid option with a conflict", async () => {
    const { stderr, status } = await run(["a.mp4", "--ttl", "5", "--wait", "--detach"]);
    assert.equal(
      stderr,
      "error: --ttl takes whole seconds from 60 to 21600; Option '--detach' cannot be used with option '--wait'; --help lists the options.\n",
    );
    assert.equal(status, 2);
  });

  it("reports a missing operand", async () => {
    const { stderr, status } = await run([]);
    assert.equal(stderr, "error: Missing required argument 'video'; --help lists the options.\n");
    assert.equal(status, 2);
  });

  it("prints the help with the defaults", async () => {
    const { stdout, status } = await run(["--help"]);
    assert.match(stdout, /^Usage: send \[options\] <video\.\.\.>\n\nsend videos\n/);
    assert.match(stdout, /--to <folder> +folder \(default: "out"\)/);
    assert.equal(status, 0);
  });

  it("ends with the status that the action sets", async () => {
    const { status } = await run(["a"], ({ exitWith }) => {
      exitWith(1);
    });
    assert.equal(status, 1);
  });

  it("prints an error with escapes, and ends with its status", async () => {
    const { stderr, status } = await run(["a"], () => {
      throw new UserError("no file \u001b[2J", { exitCode: 3 });
    });
    assert.equal(stderr, String.raw`error: no file \x1b[2J` + "\n");
    assert.equal(status, 3);
  });
});

describe("a program of several commands", () => {
  const loaded: string[] = [];
  const entry = (name: string): CommandEntry => ({
    name,
    summary: `${name} videos`,
    load: async () => {
      loaded.push(name);
      return await Promise.resolve(({ exitWith }) =>
        createCommand(name, `${name} videos`).action(() => {
          exitWith(7);
        }),
      );
    },
  });
  const runOf = async (args: readonly string[]) => {
    loaded.length = 0;
    const output = { stdout: "", stderr: "" };
    const status = await runProgram(
      { name: "videos", summary: "works with videos", commands: [entry("send"), entry("fetch")] },
      args,
      {
        stdin: process.stdin,
        stdout: { write: (text) => (output.stdout += text) },
        stderr: { write: (text) => (output.stderr += text) },
        environment: {},
        signal: new AbortController().signal,
      },
    );
    return { ...output, status };
  };

  it("loads and runs only the named command", async () => {
    assert.deepEqual(await runOf(["fetch"]), { stdout: "", stderr: "", status: 7 });
    assert.deepEqual(loaded, ["fetch"]);
  });

  it("lists all commands with --help", async () => {
    const { stdout, status } = await runOf(["--help"]);
    assert.match(stdout, /send +send videos\n +fetch +fetch videos\n/);
    assert.equal(status, 0);
  });

  it("refuses an unknown command with status 2", async () => {
    const { stderr, status } = await runOf(["fetc"]);
    assert.equal(stderr, "error: Unknown command 'fetc'; --help lists the options.\n");
    assert.equal(status, 2);
  });

  it("lists all commands on standard error if none is given, with status 2", async () => {
    const { stdout, stderr, status } = await runOf([]);
    assert.match(stderr, /^error: A command is missing\.\nCommands:\n +send +send videos\n +fetch +fetch videos\n$/);
    assert.equal(stdout, "");
    assert.equal(status, 2);
  });

  it("prints the help of a command under the program's name", async () => {
    assert.match((await runOf(["send", "--help"])).stdout, /^Usage: videos send \[options\]\n/);
  });
});
