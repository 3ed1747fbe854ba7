/** Tests that scaling needs the permissions of the service-linked role. */

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { RecordingAuthorizer } from "../../testing/recording-authorizer.ts";
import { capacityByLinkedRole, linkedRole } from "./linked-role.ts";

const resourceId = "endpoint/Videos/variant/video";
const place = { region: "us-east-1", accountId: "000000000000" };

describe("A capacity that the service-linked role sets", () => {
  let counts: number[];
  let authorizer: RecordingAuthorizer;

  beforeEach(() => {
    counts = [];
    authorizer = new RecordingAuthorizer();
  });

  const set = (): Promise<void> => {
    const capacity = {
      current: () => 0,
      async set(_resourceId: string, count: number) {
        await Promise.resolve();
        counts.push(count);
      },
    };
    return capacityByLinkedRole(capacity, authorizer, place).set(resourceId, 2);
  };

  it("is set if the role may update the endpoint", async () => {
    await set();
    assert.deepEqual(counts, [2]);
    const [{ caller, action, resources } = assert.fail("no request")] = authorizer.requests;
    assert.deepEqual(caller, {
      roleArn: linkedRole(place.accountId).arn,
      sessionName: "AutoScaling-SetDesiredCapacity",
    });
    assert.equal(action, "sagemaker:UpdateEndpointWeightsAndCapacities");
    assert.deepEqual(resources, ["arn:aws:sagemaker:us-east-1:000000000000:endpoint/Videos"]);
  });

  it("stays as it is if the role may not", async () => {
    authorizer.denied.add("sagemaker:UpdateEndpointWeightsAndCapacities");
    await assert.rejects(set(), /is not authorized to perform: sagemaker:UpdateEndpointWeightsAndCapacities/);
    assert.deepEqual(counts, []);
  });
});
