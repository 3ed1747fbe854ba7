import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { partBytesOf, partsAtOnceOf } from "./multipart.ts";

const gibibyte = 1024 ** 3;

describe("the buffers of an upload in parts", () => {
  for (const [gibibytes, count] of [
    [1, 4],
    [150, 4],
    [200, 3],
    [600, 1],
    [50_000, 1],
  ] as const) {
    it(`are ${count} for a file of ${gibibytes} GiB, and have up to 64 MiB if one part has`, () => {
      const bytes = partBytesOf(gibibytes * gibibyte);
      assert.equal(partsAtOnceOf(bytes), count);
      assert.ok(count === 1 || count * bytes <= 64 * 1024 ** 2);
    });
  }
});
