/** Tests when the stack is at rest, in virtual time: a held clock stands for one that runs at real time. */

import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import { RestWatch } from "./rest.ts";
import { VirtualClock } from "./virtual-clock.ts";

const minute = 60_000;

describe("RestWatch", () => {
  let clock: VirtualClock;
  let rest: RestWatch;
  let busy: boolean;
  let steady: boolean;

  beforeEach(() => {
    clock = new VirtualClock();
    busy = false;
    steady = true;
    rest = new RestWatch({ clock, isBusy: () => busy, isSteady: () => steady });
  });

  it("holds the clock once if nothing is under way and all alarms are steady", async () => {
    assert.equal(clock.holds, 0);
    await clock.advance(10 * minute);
    assert.deepEqual([rest.isAtRest, clock.holds], [true, 1]);
  });

  for (const [what, set] of [
    ["something is under way", () => (busy = true)],
    ["an alarm is not steady", () => (steady = false)],
  ] as const) {
    it(`does not hold the clock while ${what}`, async () => {
      set();
      await clock.advance(10 * minute);
      assert.deepEqual([rest.isAtRest, clock.holds], [false, 0]);
    });

    it(`releases the clock within a minute if ${what} later`, async () => {
      await clock.advance(10 * minute);
      set();
      await clock.advance(minute);
      assert.equal(clock.holds, 0);
    });
  }

  it("releases the clock at once at a change", async () => {
    await clock.advance(10 * minute);
    rest.changed();
    assert.equal(clock.holds, 0);
  });

  it("asks about the alarms with the moment of the last change", async () => {
    const asked = new Set<number>();
    const start = clock.now();
    rest = new RestWatch({ clock, isBusy: () => busy, isSteady: (lastChange) => asked.add(lastChange).size > 0 });
    await clock.advance(5 * minute);
    busy = true;
    await clock.advance(minute);
    busy = false;
    await clock.advance(5 * minute);
    assert.deepEqual(
      [...asked].map((moment) => moment - start),
      [0, 5.5 * minute],
    );
  });

  it("gives the metrics of a change two minutes", async () => {
    await clock.advance(10 * minute);
    rest.changed();
    await clock.advance(2 * minute - 1);
    assert.equal(rest.isAtRest, false);
    await clock.advance(minute);
    assert.equal(rest.isAtRest, true);
  });

  it("counts the start and the end of work on its clock as changes", async () => {
    await clock.advance(10 * minute);
    const release = rest.clock.hold();
    assert.deepEqual([rest.isAtRest, clock.holds], [false, 1]);
    await clock.advance(minute);
    release();
    assert.deepEqual([rest.isAtRest, clock.holds], [false, 0]);
  });

  it("releases the clock until an awaited moment, and not longer", async () => {
    await clock.advance(10 * minute);
    rest.awaitMoment(clock.now() + 60 * minute + 1);
    await clock.advance(60 * minute);
    assert.equal(clock.holds, 0);
    await clock.advance(1);
    assert.equal(clock.holds, 1);
  });

  it("ignores an awaited moment that has passed", async () => {
    await clock.advance(10 * minute);
    rest.awaitMoment(clock.now());
    assert.equal(clock.holds, 1);
  });
});
