/** What holds for the choice of the serving image. */
import assert from "node:assert/strict";
import { imageAddress, machineImageOf, sampleAddress, serverOf } from "./serving-image.ts";

const registry = "210987654321.dkr.ecr.eu-west-1.amazonaws.com";

describe("the serving image", () => {
  for (const [image, server] of [
    ["torchserve", "torchserve"],
    ["ray", "ray"],
    [sampleAddress, "torchserve"],
    [`${registry}/ray:serve-ml-sagemaker-cuda-v1.4`, "ray"],
    [`${registry}/mirror/ray@sha256:${"0a".repeat(32)}`, "ray"],
    [`${registry}/x-ray:1`, "torchserve"],
    [`${registry}/ray/detector:1`, "torchserve"],
    [`${registry}/detector:ray`, "torchserve"],
  ] as const) {
    it(`${image} has ${server} in it`, () => {
      assert.equal(serverOf(image), server);
    });
  }

  it("needs another machine image for Ray on a GPU alone", () => {
    for (const gpu of ["ml.g4dn.xlarge", "ml.g5.2xlarge", "ml.g6e.xlarge", "ml.gr6.4xlarge", "ml.p5.48xlarge"]) {
      assert.equal(machineImageOf("ray", gpu), "al2-ami-sagemaker-inference-gpu-3-1", gpu);
      assert.equal(machineImageOf("torchserve", gpu), undefined, gpu);
    }
    for (const other of ["ml.c7i.xlarge", "ml.m5.large", "ml.inf2.xlarge", "ml.trn1.2xlarge"]) {
      assert.equal(machineImageOf("ray", other), undefined, other);
    }
  });

  it("is given by tag or digest", () => {
    assert.match(sampleAddress, imageAddress);
    assert.doesNotMatch(`${registry}/ray`, imageAddress);
    assert.doesNotMatch("docker.io/ray:1", imageAddress);
  });
});
