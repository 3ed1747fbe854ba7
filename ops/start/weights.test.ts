import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "mocha";
import { parse } from "yaml";
import { ModelCommandError, unreachable } from "./model.ts";
import type { WeightsName } from "./model.ts";
import { InvalidInputError } from "../../lib/errors.ts";
import { Progress } from "../../lib/progress.ts";
import { chooseWeights, expectation, localSettings, writeCocoSettings } from "./weights.ts";
import type { WeightsRequest } from "./weights.ts";

const footage = "clips/my.mp4";
const { signal } = new AbortController();

/** Chooses, with an artifact that can be built or not; returns the choice and what was said. */
async function choose(
  request: WeightsRequest,
  failure?: Error,
): Promise<{ weights: WeightsName; said: string; built: boolean }> {
  let said = "";
  let built = false;
  const progress = new Progress({ write: (text) => (said += text) });
  const weights = await chooseWeights(request, progress, signal, (_signal, { onLine } = {}) => {
    built = true;
    onLine?.("17 of 178 MB downloaded");
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  });
  return { weights, said, built };
}

const offline = new ModelCommandError("The weights cannot be downloaded.", unreachable);
const tampered = new ModelCommandError("The weights have another SHA-256.", 1);

describe("the weights for a video", () => {
  it("are the small ones for the sample, without a word or a download", async () => {
    assert.deepEqual(await choose({}), { weights: "small", said: "", built: false });
  });

  it("are COCO's for the user's video if they can be had, and for the sample if asked for", async () => {
    assert.equal((await choose({ footage })).weights, "coco");
    assert.equal((await choose({ asked: "coco" })).weights, "coco");
  });

  it("are the small ones, with the reason and a warning, if COCO's cannot be downloaded", async () => {
    const { weights, said } = await choose({ footage }, offline);
    assert.equal(weights, "small");
    assert.match(said, /The weights cannot be downloaded\.\nThe small weights are used instead\./);
    assert.match(said, /know generated scenes only: boxes that they find in clips\/my\.mp4 mean nothing\./);
  });

  it("are the small ones with a warning if the user asks for them", async () => {
    const { weights, said, built } = await choose({ footage, asked: "small" });
    assert.deepEqual([weights, built], ["small", false]);
    assert.match(said, /mean nothing\. Use --weights coco/);
  });

  for (const [what, request, failure] of [
    ["COCO's are asked for and cannot be downloaded", { footage, asked: "coco" }, offline],
    ["COCO's are asked for the sample and cannot be downloaded", { asked: "coco" }, offline],
    ["the download has another checksum", { footage }, tampered],
  ] as const) {
    it(`end the run if ${what}`, async () => {
      await assert.rejects(choose(request, failure), (error) => {
        return error instanceof InvalidInputError && error.message === failure.message;
      });
    });
  }

  it("are in the settings of the stack, with the program's own threshold and the longest run", async () => {
    const folder = await mkdtemp(join(tmpdir(), "settings-"));
    try {
      const file = join(folder, "Pulumi.local.yaml");
      await writeCocoSettings(file);
      const read = async (path: string) => (parse(await readFile(path, "utf8")) as { config: object }).config;
      assert.deepEqual(await read(file), {
        ...(await read(localSettings)),
        "async-video-inference:modelArtifact": "model/dist/coco/model.tar.gz",
        "async-video-inference:scoreThreshold": 0.5,
        "async-video-inference:invocationTimeout": 3600,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("the expected time", () => {
  it("is frames times measured seconds on this machine's processors, and a minute", () => {
    const said = expectation("coco", 120, 2);
    assert.match(
      said,
      /^Expected: about 7 minutes\. 120 frames, one a second, 2\.7 s a frame: 5\.4 s of processor time/,
    );
    assert.match(
      said,
      /as measured on frames of 1080p on another machine \(model\/README\.md\), on 2 of this machine's processors; and a minute/,
    );
    assert.match(expectation("coco", 120, 8), /^Expected: about 3 minutes\./);
    assert.match(expectation("small", 0.5, 2), /^Expected: about 2 minutes\. 1 frame, one a second, 0\.2 s a frame/);
  });

  it("says that the result will be cut if one run cannot take so long", () => {
    assert.match(expectation("coco", 1400, 2), /\nThat is more than 60 minutes, .* Cut the video\.$/);
    assert.doesNotMatch(expectation("coco", 1300, 2), /Cut/);
  });

  it("is the seconds of a frame if the video does not state its length", () => {
    assert.match(expectation("coco", undefined, 2), /^The video does not state its length\. .* 2\.7 s a frame/);
  });
});
