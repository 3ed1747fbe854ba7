/** Tests the program's policies and alarms on the emulator's state machine, in virtual time. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { minute, second } from "../../emulator/core/endpoint-harness.ts";
import { resourceId } from "../../emulator/core/scaling-harness.ts";
import { backstop, scaledEndpoint } from "../testing/scaled-endpoint.ts";

const hour = 60 * minute;

describe("the program's scaling", () => {
  it("starts one instance for one video, and stops it after five idle minutes", async () => {
    const harness = await scaledEndpoint();
    harness.endpoints.send(1);
    const counts = await harness.watch(30 * minute);
    assert.match(counts.join(" "), /^[23]:1 (9|10|11):0$/);
    assert.equal(harness.endpoints.settled.size, 1);
  });

  it("starts enough instances for the backlog at once", async () => {
    const harness = await scaledEndpoint();
    harness.endpoints.send(12);
    assert.match((await harness.watch(10 * minute))[0] ?? "", /^[23]:3$/);
  });

  it("starts one instance if a step policy does not get the value of metric math", async () => {
    const harness = await scaledEndpoint({ assumptions: { metricMathValue: "breach-only" } });
    harness.endpoints.send(12);
    assert.match((await harness.watch(10 * minute))[0] ?? "", /^[23]:1$/);
  });

  for (const metricDelay of [0, minute, 3 * minute]) {
    const age = `${metricDelay / second} s old`;

    it(`starts instances only once for a backlog, by metrics ${age}`, async () => {
      const assumptions = { metricDelay, backlogPerInstanceAtZero: "missing" } as const;
      const model = { run: () => ({ length: 20 * minute }) };
      const harness = await scaledEndpoint({ assumptions, model });
      harness.endpoints.send(8, { timeout: hour });
      const counts = (await harness.watch(20 * minute)).map((count) => Number(count.split(":")[1]));
      assert.deepEqual(counts, [2]);
    });

    it(`keeps the instances that target tracking adds after a start by one, by metrics ${age}`, async () => {
      const assumptions = { metricDelay, metricMathValue: "breach-only" } as const;
      const model = { run: () => ({ length: 20 * minute }) };
      const harness = await scaledEndpoint({ assumptions, model });
      harness.endpoints.send(30, { timeout: hour });
      const counts = (await harness.watch(20 * minute)).map((count) => Number(count.split(":")[1]));
      assert.deepEqual(counts, counts.toSorted());
      assert.equal(counts.at(-1), 5);
    });
  }

  for (const stoppedCountInCooldown of [false, true]) {
    const counts = stoppedCountInCooldown ? "count" : "do not count";

    it(`starts again soon after a stop, if stopped instances ${counts} in the cooldown`, async () => {
      const harness = await scaledEndpoint({ assumptions: { stoppedCountInCooldown } });
      await harness.watch(20 * minute);
      harness.endpoints.send(1);
      // The endpoint was mostly idle, so the instance stops as soon as its first video is done.
      assert.deepEqual(await harness.watch(5 * minute), ["23:1", "25:0"]);
      harness.endpoints.send(1);
      // The instance served from 24 minutes on, so its cooldown ends at 29 minutes.
      const started = stoppedCountInCooldown ? "29:1" : "28:1";
      assert.equal((await harness.watch(10 * minute))[2], started);
    });
  }

  it("stops no instance while a long video runs, and then all at once", async () => {
    const model = { run: () => ({ length: 40 * minute }) };
    const harness = await scaledEndpoint({ model });
    harness.endpoints.send(21, { timeout: hour });
    const counts = (await harness.watch(8 * hour)).map((count) => Number(count.split(":")[1]));
    assert.deepEqual(counts, [5, 0]);
    assert.equal(harness.endpoints.started.length, 21);
    assert.equal(harness.endpoints.settled.size, 21);
  });

  it("does not start an instance while nothing is queued, with gauges that publish 0 or nothing", async () => {
    for (const gaugesWhileIdle of [true, false]) {
      const harness = await scaledEndpoint({ assumptions: { gaugesWhileIdle } });
      assert.deepEqual(await harness.watch(24 * hour), []);
    }
  });

  it("stops the instances of a burst although short videos arrive every five minutes", async () => {
    const harness = await scaledEndpoint();
    harness.endpoints.send(50);
    await harness.watch(10 * minute);
    for (let sent = 0; sent < 12; sent += 1) {
      harness.endpoints.send(1);
      await harness.watch(5 * minute);
    }
    const counts = (await harness.watch(30 * minute)).map((count) => Number(count.split(":")[1]));
    assert.ok(counts.filter((count) => count === 0).length > 1, counts.join());
    assert.ok(!counts.slice(counts.indexOf(0)).includes(5), counts.join());
    assert.equal(harness.endpoints.settled.size, 62);
  });

  it("starts one instance after 15 minutes if the other policies start none", async () => {
    const harness = await scaledEndpoint();
    for (const policy of ["fromZero", "backlog"]) harness.autoscaler.deletePolicy(resourceId, policy);
    harness.endpoints.send(12);
    assert.match((await harness.watch(40 * minute))[0] ?? "", /^1[56]:1$/);
    assert.equal(harness.endpoints.settled.size, 12);
  });
});

describe("the alarm on idle instances", () => {
  const stateOf = (harness: Awaited<ReturnType<typeof scaledEndpoint>>) => harness.alarms.get(backstop)?.state;

  it("fires after an hour with an instance and no video, if the endpoint does not scale to zero", async () => {
    const harness = await scaledEndpoint({ instances: 1, assumptions: { gaugesWhileIdle: false } });
    await harness.watch(50 * minute);
    assert.notEqual(stateOf(harness), "ALARM");
    await harness.watch(30 * minute);
    assert.equal(harness.endpoints.endpoint.currentCount, 1);
    assert.equal(stateOf(harness), "ALARM");
  });

  it("returns to OK when the instances are gone", async () => {
    const harness = await scaledEndpoint({ instances: 1, assumptions: { gaugesWhileIdle: false } });
    await harness.watch(2 * hour);
    assert.equal(stateOf(harness), "ALARM");
    const stopped = harness.endpoints.endpoint.setDesired(0);
    await harness.watch(10 * minute);
    await stopped;
    assert.equal(stateOf(harness), "OK");
  });

  it("stays silent without instances", async () => {
    const harness = await scaledEndpoint();
    await harness.watch(3 * hour);
    assert.equal(stateOf(harness), "OK");
  });

  for (const processedMetricName of ["InvocationsProcessed", "InvocationsProcesssed"] as const) {
    it(`stays silent with a short video every ten minutes, which only ${processedMetricName} shows`, async () => {
      const assumptions = { gaugesWhileIdle: false, processedMetricName };
      const model = { run: () => ({ length: 10 * second }) };
      const harness = await scaledEndpoint({ instances: 1, assumptions, model });
      for (let sent = 0; sent < 18; sent += 1) {
        await harness.watch(10 * minute);
        await harness.watch(5 * second);
        harness.endpoints.send(1);
      }
      assert.equal(harness.endpoints.endpoint.currentCount, 1);
      assert.equal(stateOf(harness), "OK");
    });
  }
});
