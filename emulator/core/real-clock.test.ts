/** Tests a real clock's speed, holds and timers, on a host whose time the test controls. */

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { RealClock } from "./real-clock.ts";
import type { ClockHost } from "./real-clock.ts";

/** A host that jumps from call to call; it refuses delays that setTimeout would cut to zero. */
class FakeHost implements ClockHost {
  #real = 0;
  #pending: { at: number; task: () => void } | undefined;
  wallTime(): number {
    return 1_000_000 + this.#real;
  }
  monotonic(): number {
    return this.#real;
  }
  after(delay: number, task: () => void): () => void {
    assert.ok(delay >= 0 && delay < 2 ** 31, `delay ${delay}`);
    const pending = { at: this.#real + delay, task };
    this.#pending = pending;
    return () => {
      if (this.#pending === pending) this.#pending = undefined;
    };
  }
  /** Lets real time pass and runs due calls, each `late` ms late. */
  pass(length: number, late = 0): void {
    const end = this.#real + length;
    while (this.#pending !== undefined && this.#pending.at <= end) {
      const { at, task } = this.#pending;
      this.#pending = undefined;
      this.#real = Math.max(this.#real, at + late);
      task();
    }
    this.#real = Math.max(this.#real, end);
  }
  get idle(): boolean {
    return this.#pending === undefined;
  }
}

describe("RealClock", () => {
  it("starts at the real moment and runs `speed` times faster", () => {
    const host = new FakeHost();
    const clock = new RealClock(60, host);
    assert.equal(clock.now(), 1_000_000);
    host.pass(1_000);
    assert.equal(clock.now(), 1_060_000);
  });

  it("runs at real speed while held, and fast again only once every hold is released", () => {
    const host = new FakeHost();
    const clock = new RealClock(60, host);
    const first = clock.hold();
    const second = clock.hold();
    host.pass(1_000);
    first();
    first();
    host.pass(1_000);
    assert.equal(clock.now(), 1_002_000);
    second();
    host.pass(1_000);
    assert.equal(clock.now(), 1_062_000);
  });

  it("moves a pending timer when the rate changes", () => {
    const host = new FakeHost();
    const clock = new RealClock(60, host);
    const ran: number[] = [];
    clock.setTimer(clock.now() + 120_000, () => ran.push(clock.now()));
    host.pass(1_000);
    const release = clock.hold();
    host.pass(10_000);
    assert.deepEqual(ran, []);
    release();
    host.pass(834);
    assert.deepEqual(ran, [1_120_000]);
  });

  it("does not pass a due timer while fast, even if the machine runs it late", () => {
    const host = new FakeHost();
    const clock = new RealClock(60, host);
    const ran: number[] = [];
    for (const second of [1, 2, 3]) clock.setTimer(clock.now() + second * 1_000, () => ran.push(clock.now()));
    host.pass(1_000, 300);
    assert.deepEqual(ran, [1_001_000, 1_002_000, 1_003_000]);
  });

  it("does not turn back time for a new timer", () => {
    const host = new FakeHost();
    const clock = new RealClock(60, host);
    host.pass(1_000);
    clock.setTimer(0, () => undefined);
    assert.equal(clock.now(), 1_060_000);
  });

  it("waits longer than setTimeout can", () => {
    const host = new FakeHost();
    const clock = new RealClock(1, host);
    const year = 365 * 86_400_000;
    let ran = false;
    clock.setTimer(clock.now() + year, () => {
      ran = true;
    });
    host.pass(year - 1);
    assert.equal(ran, false);
    host.pass(1);
    assert.equal(ran, true);
  });

  it("leaves nothing pending after it is stopped or its only timer is cancelled", () => {
    const host = new FakeHost();
    const clock = new RealClock(2, host);
    const timer = clock.setTimer(clock.now() + 1_000, () => undefined);
    assert.equal(host.idle, false);
    timer.cancel();
    assert.equal(host.idle, true);
    clock.setTimer(clock.now() + 1_000, () => undefined);
    clock.stop();
    clock.setTimer(clock.now() + 1_000, () => undefined);
    assert.equal(host.idle, true);
  });

  it("runs on the machine's time", async () => {
    const clock = new RealClock(1_000);
    const before = clock.now();
    await new Promise<void>((resolve) => {
      clock.setTimer(before + 20_000, resolve);
    });
    assert.ok(clock.now() >= before + 20_000);
    clock.stop();
  });

  it("refuses a speed below 1", () => {
    assert.throws(() => new RealClock(0.5), /at least 1/);
  });
});
