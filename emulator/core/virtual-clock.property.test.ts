/** Tests that virtual time moves only on request, in order, and lets promises settle between timers. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import fc from "fast-check";
import { VirtualClock } from "./virtual-clock.ts";

describe("VirtualClock", () => {
  it("runs due tasks in the order of their moments, and tasks of one moment in the order in which they were set", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(50), { maxLength: 60 }), async (moments) => {
        const clock = new VirtualClock(0);
        const ran: { at: number; index: number }[] = [];
        for (const [index, at] of moments.entries()) {
          clock.setTimer(at, () => ran.push({ at: clock.now(), index }));
        }
        await clock.advance(50);
        const expected = moments.map((at, index) => ({ at, index })).sort((a, b) => a.at - b.at || a.index - b.index);
        assert.deepEqual(ran, expected);
      }),
      { numRuns: 50 },
    );
  });
});
