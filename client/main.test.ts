import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { startCommandFixture } from "./testing/command-fixture.ts";
import type { CommandFixture } from "./testing/command-fixture.ts";

describe("the command line", () => {
  let fixture: CommandFixture;

  beforeEach(async () => {
    fixture = await startCommandFixture();
  });

  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  it("lists its commands", async () => {
    const { status, stdout } = await fixture.executeBare(["--help"]);
    assert.equal(status, 0);
    for (const name of ["submit", "status", "fetch"]) assert.match(stdout, new RegExp(`^  ${name} `, "m"));
  });

  for (const name of ["submit", "status", "fetch"]) {
    it(`has a help of its own for ${name}, as it is called with npm`, async () => {
      const { status, stdout } = await fixture.executeBare([name, "--help"]);
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`^Usage: npm run ${name} -- `));
      assert.equal(stdout.includes("--ttl"), name === "submit");
      assert.match(stdout, /--outputs FILE/);
      assert.ok(stdout.split("\n").every((line) => line.length <= 125));
    });
  }

  for (const [problem, args, words] of [
    ["no command", [], /a command is missing; --help/],
    ["an unknown command", ["launch"], /no command launch/],
    ["an unknown option", ["status", "--bogus"], /Unknown option '--bogus'; --help/],
    ["another command's option", ["status", "--wait"], /Unknown option '--wait'/],
    ["no file", ["submit"], /at least one FILE/],
    ["a TTL below AWS's least", ["submit", "a.mp4", "--ttl", "59"], /--ttl takes whole seconds from 60 to 21600/],
    ["a time-out that is no number", ["submit", "a.mp4", "--timeout", "soon"], /--timeout takes whole seconds/],
    ["no videos at a time", ["submit", "a.mp4", "--concurrency", "0"], /--concurrency takes a whole number from 1/],
    ["a score above 1", ["submit", "a.mp4", "--score", "2"], /score is 2/],
    ["a rate that is no number", ["submit", "a.mp4", "--fps", "many"], /--fps/],
    ["both --stack and --outputs", ["status", "--stack", "dev", "--outputs", "x"], /give one/],
    ["no outputs", ["status", "--outputs", "/none.json"], /Cannot read \/none\.json/],
    ["--resume without a manifest", ["submit", "--resume"], /--resume needs --manifest/],
    ["--resume with a file", ["submit", "a.mp4", "--resume", "--manifest", "m"], /give no FILE/],
    ["--resume with other options", ["submit", "--resume", "--manifest", "m", "--fps", "2"], /as they were planned/],
    ["two files of jobs", ["status", "a", "--manifest", "b"], /takes one file of jobs/],
    ["fetch without a file", ["fetch"], /needs one file of jobs/],
  ] as const) {
    it(`exits 2 for ${problem}, in one line`, async () => {
      const { status, stderr } = await fixture.executeBare(args);
      assert.equal(status, 2);
      assert.match(stderr, words);
      assert.match(stderr, /^error: .*\n$/);
    });
  }

  it("exits 2 for a stack that nothing answers for, and says what may be missing", async () => {
    const outputs = fixture.path("gone.json");
    await writeFile(outputs, JSON.stringify({ ...fixture.aws.outputs, awsEndpointUrl: "http://127.0.0.1:1" }));
    const { status, stderr } = await fixture.executeBare(["status", "--outputs", outputs]);
    assert.equal(status, 2);
    assert.match(stderr, /is the local AWS up \(npm run local:up\)\?/);
  }).timeout(60_000);
});
