import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { beforeEach, describe, it } from "mocha";
import { forEachTest } from "../../lib/testing/fixtures.ts";
import { exitCodeOf, explain } from "../../lib/errors.ts";
import { startCommandFixture, videoBytes } from "../testing/command-fixture.ts";
import type { CommandFixture } from "../testing/command-fixture.ts";
import { clientCommands } from "./commands/index.ts";
import { failureOf, FakeQueues } from "../testing/fake-sqs.ts";
import { objectKey } from "../testing/fake-aws.ts";
import { sampleResult } from "../testing/sample-result.ts";

describe("the command line", () => {
  let fixture: CommandFixture;

  forEachTest(startCommandFixture, (started) => (fixture = started));

  it("lists its commands", async () => {
    const { status, stdout } = await fixture.executeBare(["--help"]);
    assert.equal(status, 0);
    for (const name of ["submit", "status", "fetch"]) assert.match(stdout, new RegExp(`^  ${name} `, "m"));
  });

  for (const { name } of clientCommands) {
    it(`has a help for ${name} that fits one screen and has an example`, async () => {
      const { status, stdout } = await fixture.executeBare([name, "--help"]);
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^Usage: async-video ${name} \\[options\\]`));
      assert.match(stdout, new RegExp(`^Example:\\n  npm run ${name} -- `, "m"));
      assert.equal(stdout.includes("--ttl"), name === "submit" || name === "burst");
      assert.match(stdout, /--outputs <file>/);
      assert.match(stdout, /\nExit status: 0 success; 1 [^\n]*; 2 [^\n]*; 130 interrupted\.\n$/);
      const lines = stdout.split("\n");
      assert.ok(lines.length <= 41, `${lines.length - 1} lines`);
      assert.ok(
        lines.every((line) => line.length <= 100),
        stdout,
      );
    });
  }

  for (const [problem, args, words] of [
    ["an unknown command", ["launch"], /Unknown command 'launch'; --help/],
    ["an unknown option", ["status", "--bogus"], /Unknown option '--bogus'; --help/],
    ["another command's option", ["status", "--wait"], /Unknown option '--wait'/],
    ["a missing value", ["submit", "a.mp4", "--journal", "--wait"], /--journal needs a value; --help/],
    ["a value where none is taken", ["submit", "a.mp4", "--wait=yes"], /--wait takes no value; --help/],
    [
      "several wrong options of submit",
      ["submit", "a.mp4", "--fps", "abc", "--ttl", "5", "--bogus", "--score", "2", "--format", "x", "--stack", ""],
      /^error: --fps takes a number; --ttl takes [^;]* to 21600; --score is 2: [^;]*; --format takes json or ndjson; --stack needs a value; Unknown option '--bogus'; --help/,
    ],
    [
      "several wrong options of burst",
      ["burst", "--count", "0", "--fps", "0", "--timeout", "x", "--stack", "a", "--outputs", "b"],
      /--count takes [^;]*; --fps is 0: [^;]*; --timeout takes [^;]*; Option '--outputs <file>' cannot be used with option '--stack <name>'; --help/,
    ],
    [
      "several wrong options of fetch",
      ["fetch", "--to", "", "--wait"],
      /--to needs a value; Unknown option '--wait'; --help/,
    ],
    [
      "several wrong options of redrive",
      ["redrive", "--limit", "0", "--times", "x"],
      /--limit takes [^;]*; --times takes /,
    ],
    ["no file", ["submit"], /at least one FILE/],
    ["a TTL below AWS's minimum", ["submit", "a.mp4", "--ttl", "59"], /--ttl takes whole seconds from 60 to 21600/],
    ["a time-out that is not a number", ["submit", "a.mp4", "--timeout", "soon"], /--timeout takes whole seconds/],
    ["no videos at a time", ["submit", "a.mp4", "--concurrency", "0"], /--concurrency takes a whole number from 1/],
    ["a score above 1", ["submit", "a.mp4", "--score", "2"], /score is 2/],
    ["an unknown way to sample", ["submit", "a.mp4", "--sampling", "all"], /--sampling takes exact or keyframe/],
    ["a rate that is not a number", ["submit", "a.mp4", "--fps", "many"], /--fps/],
    [
      "both --stack and --outputs",
      ["status", "--stack", "dev", "--outputs", "x"],
      /Option '--outputs <file>' cannot be used with option '--stack <name>'; --help/,
    ],
    ["no outputs", ["status", "--outputs", "/none.json"], /Cannot read \/none\.json/],
    ["--resume without a journal", ["submit", "--resume"], /--resume needs --journal/],
    ["--resume with a file", ["submit", "a.mp4", "--resume", "--journal", "m"], /leave out FILE/],
    ["--resume with other options", ["submit", "--resume", "--journal", "m", "--fps", "2"], /as they were planned/],
    ["fetch without a file", ["fetch"], /needs a file of jobs/],
  ] as const) {
    it(`exits 2 for ${problem}, in one line`, async () => {
      const { status, stderr } = await fixture.executeBare(args);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.match(stderr, /^error: .*\n$/);
    });
  }

  it("accepts --manifest as the old name of --journal, with a notice", async () => {
    const file = fixture.path("jobs.jsonl");
    const queue = new FakeQueues(fixture.aws);
    queue.put(failureOf("video-1"));
    const videos = [fixture.path("a.mp4")];
    for (const [args, status] of [
      [["submit", ...videos, "--manifest", file], 0],
      [["submit", "--resume", "--manifest", file], 0],
      [["status", "--manifest", file], 1],
      [["fetch", "--manifest", file], 1],
      [["redrive", "--manifest", file], 0],
    ] as const) {
      const { stderr, ...executed } = await fixture.execute(args);
      assert.equal(executed.status, status, stderr);
      assert.match(stderr, /^note: --manifest is the old name of --journal\. Use --journal\.$/m);
    }
    const both = await fixture.execute(["status", "--manifest", file, "--journal", file]);
    assert.equal(both.status, 2);
    assert.match(both.stderr, /'--manifest <file>' cannot be used with option '--journal <file>'/);
  });

  describe("shows foreign text as escapes", () => {
    /** Sets a title, writes the clipboard, moves up and erases, ends the line, reverses the text, names commands. */
    const hostile =
      "\u001b]0;t\u0007\u001b]52;c;QQ==\u0007\u001b[1A\u001b[2K\u009b2J\r\n::error::x ##[add-mask]x\u202e\u2028";

    const assertPrintable = (text: string): void => {
      for (const line of text.split("\n")) {
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        assert.doesNotMatch(line, /^\s*::|##\[/);
      }
    };

    beforeEach(() => {
      fixture.aws.onInvocation = ({ outputLocation, failureLocation }) => {
        const isFirst = fixture.aws.invocations.length === 1;
        const result = {
          ...sampleResult,
          notice: hostile,
          frames: [
            { ...sampleResult.frames[0]!, detections: [{ ...sampleResult.frames[0]!.detections[0]!, label: hostile }] },
          ],
        };
        if (isFirst) fixture.aws.objects.set(objectKey(outputLocation), Buffer.from(JSON.stringify(result)));
        else fixture.aws.objects.set(objectKey(failureLocation), Buffer.from(JSON.stringify({ error: hostile })));
      };
    });

    const submit = async (...args: readonly string[]) => {
      const names = [`a${hostile.replaceAll("/", "")}.mp4`, "b.mp4"];
      for (const name of names) await writeFile(fixture.path(name), videoBytes(name));
      const journal = ["--journal", fixture.path("jobs.jsonl"), "--concurrency", "1"];
      return await fixture.execute(["submit", ...names.map((name) => fixture.path(name)), ...journal, ...args]);
    };

    it("in names, results and failures", async () => {
      const { status, stdout, stderr } = await submit("--wait");
      assert.equal(status, 1);
      assertPrintable(stdout);
      assertPrintable(stderr);
      assert.match(stdout, /: completed: 1 frame, 1 detection: \\x1b\]0;t\\x07/);
      assert.match(stdout, /: failed: \\x1b\]0;t\\x07/);
    });

    it("in JSON, whose values stay the same", async () => {
      const { stdout, lines } = await submit("--wait", "--json");
      assertPrintable(stdout);
      assert.ok(lines().some(({ video }) => video?.includes("\u009b2J\r\n::error") === true));
    });

    it("in errors", async () => {
      const { status, stderr } = await fixture.executeBare(["submit", `${hostile}.mp4`, "--outputs", hostile]);
      assert.equal(status, 2);
      assertPrintable(stderr);
    });

    it("in names of jobs", async () => {
      const { stdout } = await submit("--json");
      const job = JSON.parse(stdout.split("\n")[0]!) as object;
      const jobs = JSON.stringify({ ...job, video: undefined, inferenceId: "::stop-commands::x" });
      const shown = await fixture.execute(["status", "-"], jobs);
      assertPrintable(shown.stdout);
      assert.match(shown.stdout, /^\\x3a:stop-commands::x: completed/m);
    });
  });

  it("has no hint for an error code named like an object's member", () => {
    const error = Object.assign(new Error("no"), { code: "constructor" });
    assert.equal(explain(error), "no");
    assert.equal(exitCodeOf(error), 1);
  });

  for (const [service, code, message] of [
    [
      "SageMaker",
      "InvalidSignatureException",
      "Signature expired: 20261130T010000Z is now earlier than 20261130T011500Z",
    ],
    [
      "SageMaker",
      "InvalidSignatureException",
      "Signature not yet current: 20261130T020000Z is still later than 20261130T011500Z",
    ],
    ["S3", "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."],
  ] as const) {
    it(`exits 2 with one line if ${service} says that the clock is wrong (${message.split(":")[0] ?? ""})`, async () => {
      await writeFile(fixture.path("a.mp4"), videoBytes("a"));
      const operation = service === "S3" ? "PutObject" : "InvokeEndpointAsync";
      fixture.aws.fail({ operation, times: 100, answer: { status: 403, code, message } });
      const { status, stderr } = await fixture.execute([
        "submit",
        fixture.path("a.mp4"),
        "--journal",
        fixture.path("m"),
      ]);
      assert.equal(status, 2, stderr);
      assert.match(stderr, /clock differs from AWS's: set it/);
      assert.doesNotMatch(stderr, /secret key/);
    }).timeout(60_000);
  }

  it("treats a signature that is wrong for another reason as a wrong key", () => {
    const wrong = Object.assign(new Error("The request signature we calculated does not match"), {
      name: "InvalidSignatureException",
      $metadata: {},
    });
    assert.match(explain(wrong), /secret key/);
  });

  it("exits 2 for a stack that nothing answers for, and names the likely cause", async () => {
    const outputs = fixture.path("gone.json");
    await writeFile(outputs, JSON.stringify({ ...fixture.aws.outputs, awsEndpointUrl: "http://127.0.0.1:1" }));
    const { status, stderr } = await fixture.executeBare(["status", "--outputs", outputs]);
    assert.equal(status, 2);
    assert.match(stderr, /is the emulator up \(npm run local:up\)\?/);
  }).timeout(60_000);
});
