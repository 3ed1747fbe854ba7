import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { nounOf, requestsText, videosText } from "./request-counts.ts";

describe("the number of requests", () => {
  const whole = {};
  const [one, other] = [{ part: { job: "a" } }, { part: { job: "b" } }];

  for (const [what, requests, noun, text, videos] of [
    ["nothing", [], "job", "0 jobs", "0 jobs"],
    ["a whole video", [whole], "job", "1 job", "1 job"],
    ["whole videos", [whole, whole], "job", "2 jobs", "2 jobs"],
    ["one part", [one], "part", "1 part of 1 video", "1 video in 1 part"],
    ["parts of two videos", [one, one, other], "part", "3 parts of 2 videos", "2 videos in 3 parts"],
    ["both", [whole, one, one], "request", "3 requests for 2 videos", "2 videos in 3 requests"],
  ] as const) {
    it(`of ${what} names videos and parts`, () => {
      assert.deepEqual([nounOf(requests), requestsText(requests), videosText(requests)], [noun, text, videos]);
    });
  }
});
