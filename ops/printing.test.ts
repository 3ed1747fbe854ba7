import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { createCommand, runCommandLine } from "../lib/command-line.ts";
import { plain } from "./deployment/engine-events.ts";
import { JobFailed } from "./start/one-video.ts";
import { foundText, jsonSummary } from "./start/summary.ts";
import type { Report } from "./start/summary.ts";

/** Erases the screen, ends the line, names a workflow command, reverses the text. */
const hostile = "\u001b[2J\n::error::x\u202e";
const shown = String.raw`\x1b[2J\n::error::x\u202e`;

describe("the output of a command", () => {
  const report: Report = {
    video: "/videos/a.mp4",
    weights: "small",
    run: {
      summary: {
        frames: 1,
        detections: 1,
        objects: { [hostile]: 1 },
        minutes: [],
        truncated: false,
        damagedPackets: 0,
        notice: hostile,
      },
      instancesPeak: 1,
      fromZeroSeconds: 1,
      backlogSeconds: 1,
      modelSeconds: 1,
      folder: "/out/run-1",
      result: "/out/run-1/result.json",
    },
    drawn: { movie: "annotated.mp4", animation: "annotated.gif" },
    stack: { resources: 1, policies: 1, deploySeconds: 1 },
    instancesAfter: 0,
    setupSeconds: 0,
    resultSeconds: 1,
    totalSeconds: 1,
  };

  it("shows labels and the notice of a result as escapes", () => {
    const text = foundText(report);
    assert.ok(text.includes(`detections    1 ${shown}\n`), text);
    assert.ok(text.endsWith(`\n${shown}\n\n`), text);
    assert.deepEqual((JSON.parse(jsonSummary(report)) as { objects: object }).objects, { [hostile]: 1 });
    assert.doesNotMatch(jsonSummary(report), /\p{Cf}/u);
  });

  it("shows the video's path as the user wrote it", () => {
    for (const video of ["/videos/a.mp4", "../a.mp4", "a.mp4"]) {
      assert.match(
        foundText({ ...report, video }),
        new RegExp(`^video +${video.replaceAll(".", String.raw`\.`)}$`, "m"),
      );
    }
  });

  it("shows messages of the engine without terminal commands, and other control characters as escapes", () => {
    const text = "<{%fg 1%}>\u001b[31merror:\u001b[0m no\u001b]0;title\u0007\u0008\n  ::error::x<{%reset%}>\n";
    assert.equal(plain(text), `error: no${String.raw`\x08`}\n  ${String.raw`\x3a:error::x`}`);
  });

  it("shows foreign text in an error as escapes and keeps the error's lines", async () => {
    let stderr = "";
    const terminal = {
      stdin: process.stdin,
      stdout: { write: () => undefined },
      stderr: { write: (text: string) => (stderr += text) },
      environment: {},
      signal: new AbortController().signal,
    };
    const failing = () =>
      createCommand("start", "fail").action(() => {
        throw new JobFailed(`a.mp4: bad\n  ::error::x\u001b[2J`);
      });
    await runCommandLine(failing, [], terminal);
    assert.equal(stderr, `error: a.mp4: bad\n  ${String.raw`\x3a:error::x\x1b[2J`}\n`);
  });
});
