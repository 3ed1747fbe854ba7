/** What the policies about endpoints refuse and what they let pass. */
import assert from "node:assert/strict";
import { gpuInstanceType } from "./endpoint.ts";
import { type Judged, unknownString, UnknownValueError, violations } from "./testing/judge.ts";

function configuration(variant: Record<string, unknown> = {}): Judged {
  return {
    type: "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
    name: "videos-config",
    props: {
      productionVariants: [
        { variantName: "AllTraffic", modelName: unknownString, instanceType: "ml.g4dn.xlarge", ...variant },
      ],
    },
  };
}

describe("gpu-instance-type", () => {
  it("is mandatory", () => {
    assert.equal(gpuInstanceType.enforcementLevel, "mandatory");
  });

  for (const instanceType of [
    "ml.g4dn.xlarge",
    "ml.g5.2xlarge",
    "ml.g6e.48xlarge",
    "ml.p5.48xlarge",
    "ml.p6-b200.48xlarge",
  ]) {
    it(`lets ${instanceType} pass`, async () => {
      assert.deepEqual(await violations(gpuInstanceType, configuration({ instanceType })), []);
    });
  }

  for (const instanceType of ["ml.m5.xlarge", "ml.c7i.large", "ml.inf2.xlarge", "ml.g4.xlarge"]) {
    it(`refuses ${instanceType} and says what to set on which resource`, async () => {
      const [message, ...others] = await violations(gpuInstanceType, configuration({ instanceType }));
      assert.deepEqual(others, []);
      assert.match(message!, new RegExp(`'videos-config' runs its variant on ${instanceType}`));
      assert.match(message!, /Set productionVariants\[0\]\.instanceType to a type of one of these families: g4dn, /);
    });
  }

  it("takes its families from the config", async () => {
    const config = { families: ["m5"] };
    assert.deepEqual(await violations(gpuInstanceType, configuration({ instanceType: "ml.m5.xlarge" }), config), []);
    assert.equal((await violations(gpuInstanceType, configuration(), config)).length, 1);
  });

  it("does not judge a serverless variant, which has no instance", async () => {
    const serverless = configuration({
      instanceType: undefined,
      serverlessConfig: { maxConcurrency: 1, memorySizeInMb: 2048 },
    });
    assert.deepEqual(await violations(gpuInstanceType, serverless), []);
  });

  it("says that it cannot tell while the instance type is unknown", async () => {
    await assert.rejects(
      violations(gpuInstanceType, configuration({ instanceType: unknownString })),
      UnknownValueError,
    );
  });
});
