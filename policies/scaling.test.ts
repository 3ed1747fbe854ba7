/** What the policies about scaling refuse and what they let pass. */
import assert from "node:assert/strict";
import { minCapacityZero } from "./scaling.ts";
import { type Judged, unknownNumber, unknownString, UnknownValueError, violations } from "./testing/judge.ts";

function target(props: Record<string, unknown> = {}): Judged {
  return {
    type: "aws:appautoscaling/target:Target",
    name: "videos",
    props: {
      serviceNamespace: "sagemaker",
      scalableDimension: "sagemaker:variant:DesiredInstanceCount",
      resourceId: "endpoint/videos-1a2b3c4/variant/AllTraffic",
      minCapacity: 0,
      maxCapacity: 5,
      ...props,
    },
  };
}

describe("min-capacity-zero", () => {
  it("is mandatory", () => {
    assert.equal(minCapacityZero.enforcementLevel, "mandatory");
  });

  it("lets a variant pass that scales to zero, whatever its endpoint is called", async () => {
    assert.deepEqual(await violations(minCapacityZero, target()), []);
    assert.deepEqual(await violations(minCapacityZero, target({ resourceId: unknownString })), []);
  });

  it("refuses a variant that keeps an instance, and says what to set on which resource", async () => {
    const [message, ...others] = await violations(minCapacityZero, target({ minCapacity: 1 }));
    assert.deepEqual(others, []);
    assert.match(message!, /'videos' keeps 1 instance/);
    assert.match(message!, /Set its minCapacity to 0/);
  });

  it("does not judge what is no endpoint variant", async () => {
    const table = target({
      serviceNamespace: "dynamodb",
      scalableDimension: "dynamodb:table:ReadCapacityUnits",
      minCapacity: 5,
    });
    assert.deepEqual(await violations(minCapacityZero, table), []);
    const copies = target({ scalableDimension: "sagemaker:inference-component:DesiredCopyCount", minCapacity: 1 });
    assert.deepEqual(await violations(minCapacityZero, copies), []);
    assert.deepEqual(
      await violations(minCapacityZero, { ...target({ minCapacity: 1 }), type: "aws:s3/bucket:Bucket" }),
      [],
    );
  });

  it("says that it cannot tell while the capacity is unknown", async () => {
    await assert.rejects(violations(minCapacityZero, target({ minCapacity: unknownNumber })), UnknownValueError);
  });
});
