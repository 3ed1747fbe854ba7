import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { startFakeAws } from "../../testing/fake-aws.ts";
import type { FakeAws } from "../../testing/fake-aws.ts";
import { checkOutputs } from "../outputs.ts";
import { connect } from "../stack.ts";
import { cutVideo, estimatedPartSeconds } from "./cut-video.ts";
import type { CutOptions } from "./cut-video.ts";

const street = join(import.meta.dirname, "..", "..", "..", "model", "samples", "street.mp4");
const mebibyte = 1024 ** 2;

describe("the requests for a video", function () {
  this.timeout(30_000);
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
    aws.requestMode = "reference";
    aws.objects.set("in/videos/street.mp4", await readFile(street));
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
  });

  const cut = async (
    options: Partial<CutOptions> = {},
    bytes = 65 * mebibyte,
    video = street,
    outputs: { readonly sampleFps?: number | undefined } = {},
  ) => {
    using stack = connect(checkOutputs({ ...aws.outputs, ...outputs }, "outputs"));
    return await cutVideo(
      stack,
      { video, bytes, contentType: "video/mp4" },
      { timeoutSeconds: 900, partSeconds: 4, ...options },
    );
  };

  const ranges = ({ submissions }: Awaited<ReturnType<typeof cut>>) =>
    submissions.map(({ part }) => (part === undefined ? "whole" : [part.number, part.from, part.to]));

  it("are one for each part of a file, with names of one job", async () => {
    const requests = await cut();
    assert.deepEqual(ranges(requests), [
      [0, 0, 4],
      [1, 4, 8],
      [2, 8, null],
    ]);
    const [first] = requests.submissions;
    assert.match(first?.part?.job ?? "", /^video-[0-9a-f]{24}$/);
    assert.equal(first?.inferenceId, `${first?.part?.job ?? ""}-0`);
  });

  it("are one for each part of an object, which is read by ranges", async () => {
    const requests = await cut({}, 65 * mebibyte, "s3://in/videos/street.mp4");
    assert.equal(requests.submissions.length, 3);
    assert.ok(aws.requests.some(({ operation, headers }) => operation === "GetObject" && headers.range !== undefined));
  });

  it("have a length by the deployed frame rate, unless the job has one", async () => {
    // Each part has at least two samples.
    const rare = { sampleFps: 7 / 12 };
    assert.equal((await cut({ partSeconds: 1 }, mebibyte, street, rare)).submissions.length, 3);
    assert.equal((await cut({ partSeconds: 1, fps: 1 }, mebibyte, street, rare)).submissions.length, 6);
  });

  describe("of a stack that an earlier version deployed, without its frame rate", () => {
    const older = { sampleFps: undefined };

    for (const partSeconds of [undefined, 4]) {
      it(`are refused with the remedies for ${partSeconds === undefined ? "a large file" : "a given length"}`, async () => {
        await assert.rejects(cut({ partSeconds }, 65 * mebibyte, street, older), {
          name: "SetupError",
          message:
            /have no sampleFps.*: deploy the stack with this version of the program, or give the frame rate \(--fps\)/,
        });
      });
    }

    it("are parts if the job has a frame rate", async () => {
      assert.equal((await cut({ fps: 1 }, 65 * mebibyte, street, older)).submissions.length, 3);
    });

    it("are one for a small file", async () => {
      assert.deepEqual(ranges(await cut({ partSeconds: undefined }, mebibyte, street, older)), ["whole"]);
    });
  });

  it("are one for a small file without a given length, whose container is not read", async () => {
    assert.deepEqual(await cut({ partSeconds: undefined }, mebibyte, "none.mp4"), {
      submissions: [{ video: "none.mp4" }],
      notice: undefined,
    });
  });

  it("are one if the requests contain their videos", async () => {
    aws.requestMode = "payload";
    assert.deepEqual(ranges(await cut()), ["whole"]);
  });

  it("are one for an object that cannot be read, with the reason", async () => {
    const { submissions, notice } = await cut({}, mebibyte, "s3://in/videos/none.mp4");
    assert.equal(submissions.length, 1);
    assert.match(notice ?? "", /sent as one request, because its duration is unknown: the object is missing/);
  });

  it("take about ten minutes of processing, or half of the time limit, but have a minute of video", () => {
    assert.equal(estimatedPartSeconds(1, 3600), 6000);
    assert.equal(estimatedPartSeconds(2, 900), 2250);
    assert.equal(estimatedPartSeconds(1000, 900), 60);
  });
});
