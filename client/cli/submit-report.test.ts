import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { JournalEntry } from "../src/journal-lines.ts";
import { sumOf } from "./submit-report.ts";

describe("the sum of a submission", () => {
  const entryOf = (inferenceId: string, part?: JournalEntry["planned"]["part"]): JournalEntry => ({
    planned: {
      inferenceId,
      endpointName: "video",
      file: "/a.mp4",
      contentType: "video/mp4",
      ttlSeconds: 60,
      timeoutSeconds: 60,
      ...(part === undefined ? {} : { part }),
    },
    attempts: 0,
  });

  it("counts videos and parts that were not sent apart", () => {
    const parts = [0, 1].map((number) => entryOf(`mine-${number}`, { job: "mine", number, from: number, to: null }));
    const entries = new Map([entryOf("whole"), ...parts].map((entry) => [entry.planned.inferenceId, entry]));
    assert.equal(sumOf({ entries }), "0 of 3 requests for 2 videos accepted, 1 video and 2 parts not sent");
    entries.delete("whole");
    assert.equal(sumOf({ entries }), "0 of 2 parts of 1 video accepted, 2 parts not sent");
  });
});
