/** Tests for the endpoint's execution role. */
import assert from "node:assert/strict";
import { before, describe, it } from "mocha";
import { repositoryArn } from "./execution-role.ts";
import { deployEndpoint, modelType } from "../testing/deployed-endpoint.ts";
import { statement, statements } from "../testing/documents.ts";
import { accountId, keyArn, region } from "../testing/registrations.ts";
import type { Registrations } from "../testing/registrations.ts";

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

describe("AsyncEndpoint", () => {
  let registrations: Registrations;

  before(async () => {
    registrations = await deployEndpoint();
  });

  it("allows SageMaker to read the alarms that roll back an update", async () => {
    const rights = (deployed: Registrations) =>
      statements(deployed.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"]).filter(
        ({ Sid }) => Sid === "WatchRollbackAlarms",
      );
    assert.deepEqual(rights(registrations), []);
    assert.deepEqual(rights(await deployEndpoint({ rollbackAlarms: ["errors"] })), [
      {
        Sid: "WatchRollbackAlarms",
        Effect: "Allow",
        Action: ["cloudwatch:DescribeAlarms"],
        Resource: [`arn:aws:cloudwatch:${region}:${accountId}:alarm:errors`],
      },
    ]);
  });

  describe("the execution role", () => {
    let policy: unknown;

    before(() => {
      ({ policy } = registrations.one("aws:iam/rolePolicy:RolePolicy").inputs);
    });

    it("can be assumed only by SageMaker on behalf of this account", () => {
      const { assumeRolePolicy } = registrations.one("aws:iam/role:Role").inputs;
      assert.deepEqual(statements(assumeRolePolicy), [
        {
          Effect: "Allow",
          Principal: { Service: "sagemaker.amazonaws.com" },
          Action: ["sts:AssumeRole"],
          Condition: { StringEqualsIfExists: { "aws:SourceAccount": accountId } },
        },
      ]);
    });

    it("has no permission by a wildcard, and names resources for every action that supports them", () => {
      for (const { Action, Resource, Sid } of statements(policy)) {
        assert.ok(!Action.some((action) => action.includes("*")), Sid);
        if (Resource?.includes("*")) {
          assert.deepEqual([...Action, ...Resource].length, 2, Sid);
          assert.ok(["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"].includes(Action[0]!), Sid);
        }
      }
      assert.ok(statement(policy, "WriteInstanceMetrics").Condition?.["StringEquals"]);
    });

    it("reads videos and every artifact, and writes only results and failures", () => {
      assert.deepEqual(statement(policy, "ReadVideosAndModel").Resource, [
        "arn:aws:s3:::clips-input-0a1b2c3/input/*",
        "arn:aws:s3:::clips-input-0a1b2c3/models/*",
      ]);
      assert.deepEqual(statement(policy, "WriteResults").Resource, [
        "arn:aws:s3:::clips-output-0a1b2c3/results/*",
        "arn:aws:s3:::clips-output-0a1b2c3/failures/*",
      ]);
      assert.deepEqual(statement(policy, "FindObjects").Resource, [
        "arn:aws:s3:::clips-input-0a1b2c3",
        "arn:aws:s3:::clips-output-0a1b2c3",
      ]);
    });

    for (const requests of ["reference", "payload"] as const) {
      it(`reads only the input prefix, the artifacts and the source buckets in S3, with requests: ${requests}`, async () => {
        const sourceBuckets = [{ bucket: "team-videos", prefix: "clips/" }];
        const deployed = await deployEndpoint({ requests, sourceBuckets });
        const read = statements(deployed.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
          .filter(({ Action }) => Action.includes("s3:GetObject"))
          .flatMap(({ Resource = [] }) => Resource);
        assert.deepEqual(read, [
          "arn:aws:s3:::clips-input-0a1b2c3/input/*",
          "arn:aws:s3:::clips-input-0a1b2c3/models/*",
          "arn:aws:s3:::team-videos/clips/*",
        ]);
      });
    }

    it("publishes to the two topics and writes only this endpoint's logs", () => {
      assert.deepEqual(statement(policy, "SayWhatIsDone").Resource, [
        `arn:aws:sns:eu-west-1:${accountId}:clips-success-0a1b2c3`,
        `arn:aws:sns:eu-west-1:${accountId}:clips-error-0a1b2c3`,
      ]);
      assert.deepEqual(statement(policy, "WriteLogs").Resource, [
        `arn:aws:logs:eu-west-1:${accountId}:log-group:/aws/sagemaker/Endpoints/detector-endpoint-*`,
      ]);
    });

    it("uses the stack's key and no other", () => {
      const { Action, Resource } = statement(policy, "UseKey");
      assert.deepEqual(Action, ["kms:Decrypt", "kms:GenerateDataKey"]);
      assert.deepEqual(Resource, [keyArn]);
    });

    it("pulls only the image that is served", async () => {
      assert.deepEqual(statement(policy, "PullImage").Resource, [
        "arn:aws:ecr:eu-west-1:763104351884:repository/pytorch-inference",
      ]);
      const own = await deployEndpoint({
        image: "210987654321.dkr.ecr.us-west-2.amazonaws.com/team/detector@sha256:f00d",
      });
      assert.deepEqual(statement(own.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"], "PullImage").Resource, [
        "arn:aws:ecr:us-west-2:210987654321:repository/team/detector",
      ]);
      assert.partialDeepStrictEqual(own.one(modelType).inputs, {
        primaryContainer: { image: "210987654321.dkr.ecr.us-west-2.amazonaws.com/team/detector@sha256:f00d" },
      });
    });
  });
});
