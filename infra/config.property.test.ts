import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { stackConfigs } from "./testing/stack-config.ts";

describe("a stack's config", () => {
  const { problems } = stackConfigs();

  it("names every invalid setting and no valid one, for any values", () => {
    const integer = fc.integer({ min: -10, max: 1100 });
    fc.assert(
      fc.property(integer, integer, integer, (minCapacity, maxCapacity, maxConcurrency) => {
        const listed = problems({
          minCapacity: String(minCapacity),
          maxCapacity: String(maxCapacity),
          maxConcurrency: String(maxConcurrency),
        });
        const isListed = (setting: string) => listed.some((line) => line.includes(`:${setting} is`));
        const minOk = minCapacity >= 0 && minCapacity <= 1000;
        const maxOk = maxCapacity >= 1 && maxCapacity <= 1000;
        assert.equal(isListed("maxCapacity"), !maxOk);
        assert.equal(isListed("minCapacity"), !minOk || (maxOk && minCapacity > maxCapacity));
        assert.equal(isListed("maxConcurrency"), maxConcurrency < 1 || maxConcurrency > 1000);
      }),
    );
  });
});
