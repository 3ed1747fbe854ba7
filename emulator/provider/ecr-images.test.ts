import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { prebuiltImage } from "./ecr-images.ts";

const repositoryName = "pytorch-inference";
const path = (region: string, args: object = {}, own = region): unknown =>
  (prebuiltImage({ repositoryName, region, ...args }, own) as { registryPath: string }).registryPath;

describe("getPrebuiltEcrImage", () => {
  it("returns account and path, with tag 1 by default", () => {
    assert.deepEqual(prebuiltImage({ repositoryName }, "us-east-1"), {
      repositoryName,
      region: "us-east-1",
      id: "763104351884",
      registryId: "763104351884",
      registryPath: "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:1",
      imageTag: "1",
    });
  });

  it("uses the given tag", () => {
    assert.match(String(path("us-east-1", { imageTag: "2.6.0-gpu-py312" })), /pytorch-inference:2\.6\.0-gpu-py312$/);
  });

  for (const [region, account] of [
    ["us-west-2", "763104351884"],
    ["ap-southeast-2", "763104351884"],
    ["af-south-1", "626614931356"],
    ["ap-east-1", "871362719292"],
    ["ca-west-1", "204538143572"],
    ["eu-central-2", "380420809688"],
    ["eu-south-1", "692866216735"],
    ["il-central-1", "780543022126"],
    ["me-south-1", "217643126080"],
    ["us-gov-east-1", "446045086412"],
    ["us-gov-west-1", "442386744353"],
  ] as const) {
    it(`knows the account of ${region}`, () => {
      assert.equal(path(region), `${account}.dkr.ecr.${region}.amazonaws.com/pytorch-inference:1`);
    });
  }

  it("uses the suffix of the provider's partition for any region", () => {
    assert.equal(path("cn-north-1"), "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch-inference:1");
    assert.equal(
      path("cn-north-1", {}, "us-east-1"),
      "727897471807.dkr.ecr.cn-north-1.amazonaws.com/pytorch-inference:1",
    );
  });

  it("refuses an unknown region or repository by name", () => {
    assert.throws(
      () => path("mars-1"),
      /no registry ID available for region \(mars-1\) and repository \(pytorch-inference\)/,
    );
    assert.throws(() => prebuiltImage({ repositoryName: "tensorflow" }, "us-east-1"), /repository tensorflow/);
  });
});
