/** Tests that virtual time moves only on request, in order, and lets promises settle between timers. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { VirtualClock } from "./virtual-clock.ts";

describe("VirtualClock", () => {
  it("skips cancelled tasks, even those cancelled by a task of the same moment", async () => {
    const clock = new VirtualClock(0);
    let ran = false;
    const victim = { timer: { cancel: (): void => undefined } };
    clock.setTimer(5, () => {
      victim.timer.cancel();
    });
    victim.timer = clock.setTimer(5, () => {
      ran = true;
    });
    await clock.advance(10);
    assert.equal(ran, false);
  });

  it("lets a chain of promises finish before the next timer", async () => {
    const clock = new VirtualClock(0);
    const log: string[] = [];
    clock.setTimer(1, () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => log.push(`chain at ${clock.now()}`));
    });
    clock.setTimer(2, () => log.push("timer"));
    await clock.advance(2);
    assert.deepEqual(log, ["chain at 1", "timer"]);
  });

  it("runs a timer that a task sets within the interval, but none beyond it", async () => {
    const clock = new VirtualClock(0);
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.now());
      clock.setTimer(clock.now() + 10, again);
    };
    clock.setTimer(10, again);
    await clock.advance(35);
    assert.deepEqual(ran, [10, 20, 30]);
    assert.equal(clock.now(), 35);
  });
});
