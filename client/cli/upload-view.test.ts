import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { UploadView } from "./upload-view.ts";

describe("the line about a submission", () => {
  const job = (video: string) => ({ video, inferenceId: video });

  it("counts submitted videos and uploaded bytes, and shows the current activity", () => {
    const view = new UploadView(
      new Map([
        ["/v/a.mp4", 60_000_000],
        ["/v/b.mp4", 40_000_000],
        ["s3://in/c.mp4", 0],
      ]),
    );
    assert.equal(view.line, "0 of 3 submitted; ░░░░░░░░░░░░░░░░░░░░ 0 % of 100.0 MB");
    view.note({ ...job("/v/a.mp4"), step: "hashing", loaded: 60_000_000, total: 60_000_000 });
    view.note({ ...job("/v/b.mp4"), step: "uploading", loaded: 20_000_000, total: 40_000_000 });
    view.end("s3://in/c.mp4", "accepted");
    assert.equal(view.line, "1 of 3 submitted; ████░░░░░░░░░░░░░░░░ 20 % of 100.0 MB; a.mp4 hashing 100 % and 1 more");
    view.end("/v/a.mp4", "accepted");
    view.note({ ...job("/v/b.mp4"), step: "retrying", problem: "SlowDown" });
    assert.equal(view.line, "2 of 3 submitted; ████████████████░░░░ 80 % of 100.0 MB; b.mp4 retrying: SlowDown");
    view.end("/v/b.mp4", "accepted");
    assert.equal(view.line, "3 of 3 submitted; ████████████████████ 100 % of 100.0 MB");
  });

  it("counts videos that were not sent separately, and includes those of an earlier process", () => {
    const view = new UploadView(
      [
        ["s3://in/a.mp4", 0],
        ["s3://in/b.mp4", 0],
      ],
      3,
    );
    assert.equal(view.line, "3 of 5 submitted");
    view.end("s3://in/a.mp4", "refused");
    assert.deepEqual([view.line, view.isDone], ["3 of 5 submitted, 1 not sent", false]);
    view.end("s3://in/b.mp4", "accepted");
    assert.deepEqual([view.line, view.isDone], ["4 of 5 submitted, 1 not sent", true]);
  });

  it("has no bar if nothing is uploaded", () => {
    const view = new UploadView(new Map([["s3://in/c.mp4", 0]]));
    view.note({ ...job("s3://in/c.mp4"), step: "invoking" });
    assert.equal(view.line, "0 of 1 submitted; c.mp4 invoking");
  });
});
