/** Tests the conversion of an image's address into the ARN of its repository. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { repositoryArn } from "./execution-role.ts";

describe("repositoryArn", () => {
  it("has the registry's account and region, in the stack's partition", () => {
    assert.equal(
      repositoryArn("727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/pytorch-inference:2.6.0", "aws-cn"),
      "arn:aws-cn:ecr:cn-north-1:727897471807:repository/pytorch-inference",
    );
  });

  it("refuses an image that is not in ECR and prints the valid form", () => {
    for (const image of ["pytorch/torchserve:latest", "public.ecr.aws/pytorch:2.6", ""]) {
      assert.throws(() => repositoryArn(image, "aws"), /is not an image in ECR\. Pass ACCOUNT\.dkr\.ecr\./);
    }
  });
});
