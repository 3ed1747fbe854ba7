/** Tests the hook that fails a deployment whose endpoint was rolled back. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { updateCheck } from "./update-check.ts";

const type = "aws:sagemaker/endpoint:Endpoint";
const args = {
  urn: `urn:pulumi:test::project::${type}::x`,
  id: "detector",
  name: "x",
  type,
  newInputs: { endpointConfigName: "config-2" },
  newOutputs: { arn: "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/detector", name: "detector" },
};
const updated = { status: "InService", variantName: "AllTraffic", desired: 1, configuration: "config-2" };

/** Runs the hook after an update that leaves SageMaker's endpoint in this state. */
async function after(change: object): Promise<void> {
  const port = { describe: () => Promise.resolve({ ...updated, ...change }), setDesired: () => Promise.resolve() };
  await updateCheck(() => Promise.resolve(port))(args);
}

describe("the check after an endpoint's update", () => {
  it("passes if the endpoint runs the expected configuration", async () => {
    await after({});
  });

  it("fails, with the reason and the remedy, if SageMaker rolled the update back", async () => {
    await assert.rejects(after({ configuration: "config-1", failureReason: "no capacity" }), {
      message:
        /rolled the update of endpoint detector back: no capacity.*still runs config-1, not config-2; nothing was deleted.*log group/,
    });
  });

  for (const status of ["Failed", "UpdateRollbackFailed"]) {
    it(`fails if the endpoint is ${status}, even with the expected configuration`, async () => {
      await assert.rejects(after({ status }), { message: new RegExp(`is ${status}: SageMaker gives no reason`) });
    });
  }
});
