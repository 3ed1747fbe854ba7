/** Tests the choice of the serving image. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
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
    it(`${image} contains ${server}`, () => {
      assert.equal(serverOf(image), server);
    });
  }

  it("needs a machine image with a driver for CUDA 12 if it is AWS's and the instance has a GPU", () => {
    for (const image of ["torchserve", "ray"]) {
      for (const gpu of ["ml.g4dn.xlarge", "ml.g5.2xlarge", "ml.g6e.xlarge", "ml.gr6.4xlarge", "ml.p5.48xlarge"]) {
        assert.equal(machineImageOf(image, gpu), "al2-ami-sagemaker-inference-gpu-3-1", `${image} ${gpu}`);
      }
      for (const other of ["ml.c7i.xlarge", "ml.m5.large", "ml.inf2.xlarge", "ml.trn1.2xlarge"]) {
        assert.equal(machineImageOf(image, other), undefined, `${image} ${other}`);
      }
    }
  });

  for (const [image, machineImage] of [
    [sampleAddress, "al2-ami-sagemaker-inference-gpu-3-1"],
    [`${registry}/detector:2.6-cu121`, "al2-ami-sagemaker-inference-gpu-3-1"],
    [`${registry}/detector:cu12`, "al2-ami-sagemaker-inference-gpu-3-1"],
    [`${registry}/mirror/ray:serve-ml-sagemaker-cuda-v1.4`, "al2-ami-sagemaker-inference-gpu-3-1"],
    [`${registry}/detector:2.9-gpu-py312-cu130-ubuntu22.04`, "al2023-ami-sagemaker-inference-gpu-4-1"],
    [`${registry}/detector:torch2.9_cu130_1`, "al2023-ami-sagemaker-inference-gpu-4-1"],
    [`${registry}/detector-cu124:latest`, undefined],
    [`${registry}/detector:cu118`, undefined],
    [`${registry}/detector:focu12`, undefined],
    [`${registry}/detector:2.6`, undefined],
    [`${registry}/detector@sha256:${"0a".repeat(32)}`, undefined],
  ] as const) {
    it(`${image} needs ${machineImage ?? "a machine image that its tag does not determine"}`, () => {
      assert.equal(machineImageOf(image, "ml.g5.xlarge"), machineImage);
      assert.equal(machineImageOf(image, "ml.c7i.xlarge"), undefined);
    });
  }

  it("is set by tag or digest", () => {
    assert.match(sampleAddress, imageAddress);
    assert.doesNotMatch(`${registry}/ray`, imageAddress);
    assert.doesNotMatch("docker.io/ray:1", imageAddress);
  });
});
