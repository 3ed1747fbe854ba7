import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { reasonOf } from "./failure.ts";
describe("the reason in a failure object", () => {
  it("is one line of bounded length for any body", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 2000 }), fc.json()), (body) => {
        const reason = reasonOf(body);
        assert.match(reason, /^\S(.*\S)?$/);
        assert.ok(reason.length <= 650);
      }),
    );
  });
});
