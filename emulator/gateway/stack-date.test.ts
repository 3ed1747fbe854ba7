import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { VirtualClock } from "../core/virtual-clock.ts";
import { StackDate } from "./stack-date.ts";

const hour = 3_600_000;

describe("StackDate", () => {
  /** A stack that was told to a client at real time 0, and is an hour ahead one real second later. */
  const ahead = async () => {
    const real = { now: 0 };
    const clock = new VirtualClock(0);
    const dates = new StackDate(clock, () => real.now);
    dates.stamp();
    await clock.advance(hour);
    real.now = 1_000;
    return { real, clock, dates };
  };

  it("stamps responses with the stack's time", async () => {
    const { dates } = await ahead();
    assert.deepEqual(dates.stamp(), { date: "Thu, 01 Jan 1970 01:00:00 GMT" });
  });

  it("converts the signing time of a client that has just been told the time", async () => {
    const { dates } = await ahead();
    dates.stamp();
    assert.equal(dates.realTimeOf(hour), 1_000);
  });

  it("converts the signing time of a client that was told the time a minute ago", async () => {
    const { real, clock, dates } = await ahead();
    dates.stamp();
    real.now = 61_000;
    await clock.advance(10 * hour);
    dates.stamp();
    assert.equal(dates.realTimeOf(hour + 60_000), 61_000);
  });

  it("knows no real time before the first response", () => {
    assert.equal(new StackDate(new VirtualClock(0)).realTimeOf(hour), undefined);
  });
});
