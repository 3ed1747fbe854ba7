/** Tests that locations in S3 are parsed in each spelling of AWS's APIs. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { formatS3Location, parseS3Location } from "./s3-location.ts";

describe("A location in S3", () => {
  it("is the same after formatting and parsing", () => {
    const bucket = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]$/);
    fc.assert(
      fc.property(bucket, fc.string({ unit: "grapheme" }), (name, key) => {
        const place = { bucket: name, key };
        assert.deepEqual(parseS3Location(formatS3Location(place)), place);
      }),
    );
  });
});
