import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { describe, it } from "mocha";
import { textOf } from "./result-body.ts";
import { fetchResult, parseResult, summarize } from "./result.ts";
import type { VideoResult } from "./result.ts";
import { connect } from "./stack.ts";
import { startFakeAws } from "../testing/fake-aws.ts";
import { currentResult, sampleResult, secondResult } from "../testing/sample-result.ts";

describe("a result", () => {
  const parse = (value: unknown) => parseResult(JSON.stringify(value), "s3://out/a.out");

  it("is accepted if it matches the model's schema", () => {
    assert.deepEqual(parse(sampleResult), sampleResult);
  });

  it("is accepted in the schema's version 2, too", () => {
    assert.deepEqual(parse(secondResult), secondResult);
    const whole: VideoResult = { ...secondResult, truncated: false, truncation: null };
    assert.deepEqual(parse(whole), whole);
    assert.deepEqual(
      [summarize(secondResult), summarize(sampleResult)].map(({ damagedPackets }) => damagedPackets),
      [2, 0],
    );
  });

  it("is accepted in the schema's version 3, too", () => {
    assert.deepEqual(parse(currentResult), currentResult);
  });

  it("may have frames without a number and no frames if it is a part", () => {
    const unnumbered = { ...currentResult, frames: currentResult.frames.map((frame) => ({ ...frame, index: null })) };
    assert.deepEqual(parse(unnumbered), unnumbered);
    for (const part of [
      { from: 0, to: 300 },
      { from: 300, to: null },
    ]) {
      const empty = { ...currentResult, part, frames: [] };
      assert.deepEqual(parse(empty), empty);
      assert.deepEqual(summarize(empty).minutes, []);
    }
  });

  it("may name the detector and have masks", () => {
    const [first] = sampleResult.frames;
    const mask = { origin: [1, 2], size: [3, 4], counts: "04:" } as const;
    const whole: VideoResult = {
      ...sampleResult,
      handler: { version: "1.0.0", device: "cuda", precision: "float16" },
      sampling: { ...sampleResult.sampling, masks: "rle", max_side: null },
      frames: [{ ...first!, detections: first!.detections.map((one) => ({ ...one, mask })) }],
    };
    assert.deepEqual(parse(whole), whole);
  });

  const broken: Record<string, unknown> = {
    "another schema version": { ...currentResult, schema_version: 4 },
    "version 2 and no damage": { ...secondResult, damage: undefined },
    "version 2 and frames that do not tell how they were sampled": { ...secondResult, frames: sampleResult.frames },
    "version 2 and another reason for its end": { ...secondResult, truncation: { reason: "boredom", until: 1 } },
    "version 2 and a part": { ...secondResult, part: currentResult.part },
    "version 2 and a frame without a number": {
      ...secondResult,
      frames: secondResult.frames.map((frame) => ({ ...frame, index: null })),
    },
    "version 3 and no damage": { ...currentResult, damage: undefined },
    "version 3 and no part": { ...currentResult, part: undefined },
    "version 3 and no unit of its time stamps": { ...currentResult, video: secondResult.video },
    "version 3 and frames without their places on the grid": { ...currentResult, frames: secondResult.frames },
    "no frames of a whole video": { ...currentResult, part: { from: 0, to: null }, frames: [] },
    "a part that ends at its start": { ...currentResult, part: { from: 0, to: 0 } },
    "version 1 and a member of version 2": { ...sampleResult, damage: currentResult.damage },
    "no frames": { ...sampleResult, frames: [] },
    "a member that the schema does not know": { ...sampleResult, masks: [] },
    "a box of three numbers": {
      ...sampleResult,
      frames: [{ index: 0, timestamp: 0, detections: [{ label: "car", label_id: 3, score: 1, box: [1, 2, 3] }] }],
    },
  };
  for (const [what, value] of Object.entries(broken)) {
    it(`is refused with ${what}, naming its location`, () => {
      assert.throws(() => parse(value), {
        name: "ServiceAnswerError",
        message: /s3:\/\/out\/a\.out does not match .*result\.schema\.json: \//,
      });
    });
  }

  const detection = { label: "car", label_id: 3, score: 1, box: [1, 2, 30, 40] };
  const withDetection = (changes: object) => ({
    ...sampleResult,
    frames: [sampleResult.frames[0], { index: 30, timestamp: 1, detections: [{ ...detection, ...changes }] }],
  });
  const masked = (origin: number[], size: number[], counts = "1") => withDetection({ mask: { origin, size, counts } });
  // A mask of n × n pixels in one run, in a few characters.
  const hostile: Record<string, readonly [unknown, RegExp]> = {
    "a mask of four trillion pixels": [masked([0, 0], [2_000_000, 2_000_000]), /size\/\d must be <= 65536/],
    "a mask of 900 million pixels": [masked([0, 0], [30_000, 30_000]), /its mask does not lie within the video/],
    "a mask that leaves the picture on the right": [
      masked([600, 0], [1, 41]),
      /its mask does not lie within the video/,
    ],
    "a mask that leaves the picture below": [masked([0, 360], [1, 1]), /its mask does not lie within the video/],
    "more runs than pixels": [masked([0, 0], [1, 3], "11111"), /its mask has more runs than pixels/],
    "a box of a billion pixels": [withDetection({ box: [0, 0, 1e9, 1e9] }), /box\/\d must be <= 65537/],
    "a box beyond the picture": [withDetection({ box: [0, 0, 642, 10] }), /its box does not lie within the video/],
    "a box from bottom to top": [withDetection({ box: [0, 9, 10, 8] }), /its box does not lie within the video/],
    "a picture of more pixels than any": [
      { ...sampleResult, video: { ...sampleResult.video, width: 1e9 } },
      /width must be <= 65536/,
    ],
    "a label of a million characters": [withDetection({ label: "x".repeat(1e6) }), /label must NOT have more than 256/],
  };
  for (const [what, [value, message]] of Object.entries(hostile)) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => parse(value), { name: "ServiceAnswerError", message });
    });
  }

  it("names the detection that lies outside the frames", () => {
    assert.throws(
      () => parse(masked([0, 360], [1, 1])),
      /s3:\/\/out\/a\.out is not valid: \/frames\/1\/detections\/0:/,
    );
  });

  it("may have masks of whole frames, and boxes that rounding moves over the edge", () => {
    for (const value of [
      masked([0, 0], [360, 640], "04"),
      masked([640, 360], [0, 0], "0"),
      masked([0, 0], [1, 3], "0111"),
    ]) {
      assert.deepEqual(parse(value), value);
    }
    assert.doesNotThrow(() => parse(withDetection({ box: [0, 0, 640.01, 360.01] })));
  });

  const lines = (changes: { frames?: number; kind?: string } = {}): string => {
    const { frames, timing, truncated, truncation, damage, ...header } = currentResult;
    return [
      { kind: "header", ...header },
      ...frames.map((frame) => ({ kind: "frame", ...frame })),
      { kind: "ending", frames: frames.length, truncated, truncation, damage, timing, ...changes },
    ]
      .map((line) => `${JSON.stringify(line)}\n`)
      .join("");
  };

  it("may be written in lines", () => {
    assert.deepEqual(parseResult(lines(), "s3://out/a.out"), currentResult);
  });

  it("in lines is refused without its ending or with another number of frames", () => {
    const cut = lines().trimEnd().split("\n").slice(0, -1).join("\n");
    assert.throws(() => parseResult(cut, "s3://out/a.out"), /is incomplete: .*frame in place of its ending/);
    assert.throws(
      () => parseResult(lines({ frames: 3 }), "s3://out/a.out"),
      /has 2 lines of frames; its ending states 3/,
    );
    assert.throws(() => parseResult('{"kind":"header"', "s3://out/a.out"), /is not JSON/);
  });

  it("may be compressed, as a document or in lines", async () => {
    await using aws = await startFakeAws();
    using stack = connect(aws.outputs);
    for (const text of [JSON.stringify(currentResult), lines()]) {
      aws.objects.set("out/a.out", gzipSync(text));
      assert.deepEqual(await fetchResult(stack, { outputLocation: "s3://out/a.out" }), currentResult);
    }
  });

  it("is refused if it is damaged gzip or unpacks to more than a string holds", async () => {
    await assert.rejects(textOf(gzipSync("{}").subarray(0, 12), "s3://out/a.out"), /is damaged gzip/);
    const bomb = Buffer.concat(Array<Buffer>(33).fill(gzipSync(Buffer.alloc(16 * 1024 ** 2))));
    await assert.rejects(textOf(bomb, "s3://out/a.out"), {
      name: "ServiceAnswerError",
      message: /unpacks to more than 511 MiB/,
    });
  });

  it("is refused if it is not JSON", () => {
    assert.throws(() => parseResult("", "s3://out/a.out"), /s3:\/\/out\/a\.out is not JSON/);
  });

  it("of a stack without the limit in its outputs is read completely", async () => {
    await using aws = await startFakeAws();
    const { maxResponseSize = 0, ...older } = aws.outputs;
    const text = JSON.stringify(sampleResult).padEnd(maxResponseSize * 1024 ** 2 + 1);
    aws.objects.set("out/a.out", Buffer.from(text));
    using stack = connect(older);
    assert.deepEqual(await fetchResult(stack, { outputLocation: "s3://out/a.out" }), sampleResult);
    using limited = connect(aws.outputs);
    await assert.rejects(fetchResult(limited, { outputLocation: "s3://out/a.out" }), { name: "ServiceAnswerError" });
  });

  it("is summed up by class, the most frequent first", () => {
    const summary = summarize(sampleResult);
    assert.deepEqual(summary, {
      frames: 2,
      detections: 3,
      objects: { car: 2, person: 1 },
      minutes: [{ minute: 0, objects: { car: 2, person: 1 } }],
      truncated: false,
      damagedPackets: 0,
      notice: "knows only generated shapes",
    });
    assert.deepEqual(Object.keys(summary.objects), ["car", "person"]);
  });

  it("is summed up by minute of the video, those without objects too, not those without frames", () => {
    const [first] = sampleResult.frames;
    const frames = [0, 59.9, 60, 200].map((timestamp) => ({
      ...first!,
      timestamp,
      detections: timestamp === 60 ? [] : first!.detections,
    }));
    const counted = (times: number) =>
      Object.fromEntries(Object.entries(countIn(first!)).map(([l, n]) => [l, n * times]));
    assert.deepEqual(summarize({ ...sampleResult, frames }).minutes, [
      { minute: 0, objects: counted(2) },
      { minute: 1, objects: {} },
      { minute: 3, objects: counted(1) },
    ]);
  });
});

function countIn({ detections }: (typeof sampleResult.frames)[number]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { label } of detections) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}
