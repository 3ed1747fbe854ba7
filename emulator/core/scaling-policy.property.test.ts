/** Tests the requests of step and target-tracking policies, by the API reference's rules. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { trackingCapacity } from "./scaling-policy.ts";
import { backlogTracking } from "./scaling-harness.ts";
describe("target tracking", () => {
  it("requests the number of instances that brings the metric to the target, never above it", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 20 }), (backlog, current) => {
        const asked = trackingCapacity(backlogTracking, backlog / current, current);
        assert.equal(asked, Math.ceil(backlog / backlogTracking.target));
      }),
    );
  });
});
