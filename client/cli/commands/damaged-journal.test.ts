/** Tests for journals that were not written completely, or that another program has changed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, it } from "mocha";
import { forEachTest } from "../../../lib/testing/fixtures.ts";
import { startCommandFixture, videoBytes } from "../../testing/command-fixture.ts";
import type { CommandFixture } from "../../testing/command-fixture.ts";

const bom = Buffer.from([0xef, 0xbb, 0xbf]);

describe("a damaged journal", () => {
  let fixture: CommandFixture;

  forEachTest(startCommandFixture, (started) => (fixture = started));

  const file = () => fixture.path("jobs.jsonl");
  const planned = (name: string, of?: number): string =>
    JSON.stringify({
      event: "planned",
      ...(of === undefined ? {} : { of }),
      job: {
        inferenceId: name,
        endpointName: "video",
        file: fixture.path("a.mp4"),
        contentType: "video/mp4",
        ttlSeconds: 60,
        timeoutSeconds: 30,
      },
    });
  const attempt = (name: string, event = "attempt"): string =>
    JSON.stringify({
      event,
      inferenceId: name,
      inputLocation: "s3://in/videos/a.mp4",
      contentType: "video/mp4",
    });
  const linesOf = (...lines: readonly string[]): string => lines.map((line) => `${line}\n`).join("");
  const resume = () => fixture.execute(["submit", "--resume", "--journal", file()]);

  /** Makes a plan as a version without a count wrote it while the disk was full. */
  const cutPlan = () => `${linesOf(planned("1"), planned("2"))}${planned("3").slice(0, 40)}`;

  const refused: Readonly<Record<string, readonly [content: () => string | Buffer, words: RegExp]>> = {
    "is empty": [() => "", /is empty: it contains no jobs/],
    "is not a job file": [() => '{"a":1}\n', /is not a job file/],
    "is UTF-16 with a byte order mark": [
      () => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(linesOf(planned("1", 1)), "utf16le")]),
      /is UTF-16 text: save it as UTF-8/,
    ],
    "is UTF-16 without a byte order mark": [() => Buffer.from(linesOf(planned("1", 1)), "utf16le"), /is UTF-16 text/],
    "has a plan without a count that was cut": [cutPlan, /the plan is incomplete .*disk was full.*run submit .* again/],
    "has a plan without a count and nothing after it": [
      () => linesOf(planned("1"), planned("2")),
      /nothing in it shows that the plan is complete\. No job of it was sent/,
    ],
    "has fewer jobs than its count": [
      () => linesOf(planned("1", 3), planned("2", 3)),
      /the plan is incomplete, it has 2 of 3 jobs/,
    ],
    "has fewer jobs than its count before a call": [
      () => linesOf(planned("1", 3), planned("2", 3), attempt("1")),
      /the plan is incomplete, it has 2 of 3 jobs/,
    ],
    "has a plan whose last line was cut": [
      () => `${linesOf(planned("1", 2))}${planned("2", 2).slice(0, 40)}`,
      /the plan is incomplete, it has 1 of 2 jobs/,
    ],
    "has only a part of one line": [() => planned("1", 1).slice(0, 40), /the plan is incomplete/],
    "has a damaged line in the middle": [
      () => linesOf(planned("1", 1), "{", attempt("1")),
      /line 2, is not JSON: the file is damaged/,
    ],
  };

  for (const [what, [content, words]] of Object.entries(refused)) {
    it(`that ${what} is refused by --resume, status, fetch and redrive, with exit status 2`, async () => {
      await writeFile(file(), content());
      const before = await readFile(file());
      for (const command of [["status"], ["fetch"], ["redrive"], ["submit", "--resume", "--journal"]]) {
        const { status, stderr } = await fixture.execute([...command, file()]);
        assert.equal(status, 2, command.join(" "));
        assert.match(stderr, words, command.join(" "));
      }
      assert.equal(fixture.aws.count("PutObject") + fixture.aws.count("InvokeEndpointAsync"), 0);
      assert.deepEqual(await readFile(file()), before);
    });
  }

  const accepted: Readonly<Record<string, readonly [content: () => string | Buffer, hasNotice: boolean]>> = {
    "has a plan without a count, and a call after it": [
      () => linesOf(planned("1"), planned("2"), attempt("1", "intent")),
      false,
    ],
    "has as many jobs as its count": [() => linesOf(planned("1", 2), planned("2", 2)), false],
    "has a byte order mark": [
      () => Buffer.concat([bom, Buffer.from(linesOf(planned("1", 2), planned("2", 2)))]),
      false,
    ],
    "has CRLF line ends": [() => linesOf(planned("1", 2), planned("2", 2)).replaceAll("\n", "\r\n"), false],
    "has a last line that was cut": [
      () => `${linesOf(planned("1", 2), planned("2", 2))}${attempt("1").slice(0, 30)}`,
      true,
    ],
    "ends with NUL bytes": [() => `${linesOf(planned("1", 2), planned("2", 2))}${"\0".repeat(500)}`, true],
    "has a last line with NUL bytes": [
      () => `${linesOf(planned("1", 2), planned("2", 2))}${attempt("1").slice(0, 30)}\0\0\0\n`,
      true,
    ],
  };

  for (const [what, [content, hasNotice]] of Object.entries(accepted)) {
    it(`that ${what} is resumed completely${hasNotice ? ", with a notice" : ""}`, async () => {
      await writeFile(file(), content());
      const seen = await fixture.execute(["status", file()]);
      assert.equal(seen.status, 1, seen.stderr);
      const { status, stderr } = await resume();
      assert.equal(status, 0, stderr);
      assert.equal(new Set(fixture.aws.invocations.map(({ inferenceId }) => inferenceId)).size, 2);
      for (const shown of [seen.stderr, stderr]) {
        assert.equal(/^note: .*jobs\.jsonl: the last line is damaged .* left out/m.test(shown), hasNotice, shown);
      }
      const after = await fixture.execute(["status", file(), "--json"]);
      assert.deepEqual(
        after
          .lines()
          .slice(1)
          .map((line) => line.status),
        ["pending", "pending"],
      );
    });
  }

  it("that an incomplete redrive has left is used again, because the error queue has the jobs", async () => {
    fixture.aws.answers.set("ReceiveMessage", { Messages: [] });
    for (const content of ["", cutPlan()]) {
      await writeFile(file(), content);
      const { status, stderr } = await fixture.execute(["redrive", "--journal", file()]);
      assert.equal(status, 0, stderr);
    }
  });

  it("is not left if the plan does not fit on the disk, and the error does not suggest --resume", async () => {
    await mkdir(fixture.path("clips"));
    for (let index = 0; index < 30; index++) {
      await writeFile(fixture.path(`clips/${index}.mp4`), videoBytes(String(index)));
    }
    const outputs = fixture.path("outputs.json");
    await writeFile(outputs, JSON.stringify(fixture.aws.outputs));
    const main = join(import.meta.dirname, "..", "..", "..", "ops", "main.ts");
    const args = ["submit", fixture.path("clips"), "--journal", file(), "--outputs", outputs];
    // The limit on a file's size cuts a write like a full disk: a part of it is written. Blocks of 512 or 1024 bytes.
    const child = spawn("sh", ["-c", 'ulimit -f 4; exec "$0" "$@"', process.execPath, main, ...args], {
      env: { ...process.env, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
      stdio: ["ignore", "ignore", "pipe"],
      timeout: 60_000,
    });
    const [stderr, [status]] = await Promise.all([
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      /Cannot write the job journal .*\(EFBIG\).* The plan was not written, and no job of it was sent/,
    );
    assert.doesNotMatch(stderr, /--resume/);
    assert.ok(!(await readdir(fixture.folder)).some((name) => name.startsWith("jobs.jsonl")));
    assert.equal(fixture.aws.count("PutObject") + fixture.aws.count("InvokeEndpointAsync"), 0);
    const again = await fixture.execute(["submit", fixture.path("clips"), "--journal", file()]);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(fixture.aws.invocations.length, 30);
  }).timeout(60_000);
});
