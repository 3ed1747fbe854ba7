/** Tests the doctor's check of the serving image. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "mocha";
import { publishedImage } from "../../infra/serving-image.ts";
import { prebuiltImage } from "../../emulator/provider/ecr-images.ts";
import { deepLearningAccounts } from "../../lib/deep-learning-accounts.ts";
import { regionDescription } from "../../emulator/provider/partitions.ts";
import { checkImage } from "./image.ts";
import { Refusal, startFakeAws } from "./testing/fake-aws.ts";
import type { FakeAws } from "./testing/fake-aws.ts";

const own = "123456789012.dkr.ecr.us-east-1.amazonaws.com/video/serving:1.0";
const instanceType = "ml.g4dn.xlarge";

describe("the serving image", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await startFakeAws();
  });

  afterEach(async () => {
    await aws[Symbol.asyncDispose]();
  });

  const asked = (): unknown => JSON.parse(aws.seen.at(-1)?.body ?? "{}");

  it("is AWS's image by default, in the registry of the region", async () => {
    const { status, what } = await checkImage(
      { image: "torchserve", instanceType },
      { ...aws.access, region: "eu-south-1" },
    );
    assert.equal(status, "ok");
    assert.match(what, /pytorch-inference:2\.6\.0-gpu.* of registry 692866216735 in eu-south-1/);
    assert.deepEqual(asked(), {
      registryId: "692866216735",
      repositoryName: "pytorch-inference",
      imageIds: [{ imageTag: publishedImage("torchserve", instanceType)?.imageTag }],
    });
  });

  it("is AWS's Ray image in the same registry if the stack selects it", async () => {
    await checkImage({ image: "ray", instanceType }, { ...aws.access, region: "eu-south-1" });
    assert.deepEqual(asked(), {
      registryId: "692866216735",
      repositoryName: "ray",
      imageIds: [{ imageTag: "serve-ml-sagemaker-cuda-v1.5" }],
    });
  });

  it("can be a custom image, by tag or by digest", async () => {
    assert.equal((await checkImage({ image: own, instanceType }, aws.access)).status, "ok");
    assert.deepEqual(asked(), {
      registryId: "123456789012",
      repositoryName: "video/serving",
      imageIds: [{ imageTag: "1.0" }],
    });
    const imageDigest = `sha256:${"0".repeat(64)}`;
    assert.equal(
      (await checkImage({ image: own.replace(":1.0", `@${imageDigest}`), instanceType }, aws.access)).status,
      "ok",
    );
    assert.deepEqual((asked() as { imageIds: unknown }).imageIds, [{ imageDigest }]);
  });

  it("is a problem in another region, without a request", async () => {
    const { status, remedy } = await checkImage({ image: own, instanceType }, { ...aws.access, region: "eu-west-1" });
    assert.equal(status, "problem");
    assert.match(remedy ?? "", /Copy the image to eu-west-1/);
    assert.deepEqual(aws.seen, []);
  });

  it("is a problem if AWS has no registry in the region", async () => {
    assert.equal(
      (await checkImage({ image: "torchserve", instanceType }, { ...aws.access, region: "xx-east-1" })).status,
      "problem",
    );
  });

  it("is a problem if the region is named like an object's member", async () => {
    const { status, what } = await checkImage(
      { image: "torchserve", instanceType },
      { ...aws.access, region: "constructor" },
    );
    assert.equal(status, "problem");
    assert.match(what, /no registry of ready-made images in constructor/);
  });

  it("is a problem if the registry has no such image or repository", async () => {
    aws.answers.set("BatchGetImage", {
      images: [],
      failures: [{ failureCode: "ImageNotFound", failureReason: "Requested image not found" }],
    });
    assert.match(
      (await checkImage({ image: own, instanceType }, aws.access)).what,
      /does not exist: Requested image not found/,
    );
    aws.answers.set("BatchGetImage", new Refusal(400, "RepositoryNotFoundException"));
    assert.equal((await checkImage({ image: own, instanceType }, aws.access)).status, "problem");
  });

  it("is unchecked if access is denied", async () => {
    aws.answers.set("BatchGetImage", new Refusal(400, "AccessDeniedException"));
    const { status, what, remedy } = await checkImage({ image: own, instanceType }, aws.access);
    assert.equal(status, "warning");
    assert.match(what, /^could not be checked/);
    assert.match(remedy ?? "", /ecr:BatchGetImage/);
  });

  it("uses the same registry accounts as the emulator's provider, from which the program gets its image", () => {
    for (const [region, registryId] of Object.entries(deepLearningAccounts)) {
      assert.ok(regionDescription(region) !== undefined, region);
      const found = prebuiltImage({ repositoryName: "pytorch-inference", region }, region);
      assert.equal(Reflect.get(found, "registryId"), registryId, region);
    }
  });
});
