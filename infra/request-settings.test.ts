/** Tests how the endpoint gets a video: the default, and the source buckets that a reference may name. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { requestModeOf } from "./request-settings.ts";
import type { ModeSettings } from "./request-settings.ts";
import { stackConfigs } from "./testing/stack-config.ts";

const plain: ModeSettings = { networkIsolation: false, subnetIds: [], s3Endpoint: false };

describe("the mode of requests", () => {
  for (const [what, change, expected] of [
    ["in AWS's own network", {}, "reference"],
    ["with network isolation", { networkIsolation: true }, "payload"],
    ["with network isolation, although the subnets reach S3", { networkIsolation: true, s3Endpoint: true }, "payload"],
    ["in a VPC that may not reach S3", { subnetIds: ["subnet-1"] }, "payload"],
    ["in a VPC that reaches S3", { subnetIds: ["subnet-1"], s3Endpoint: true }, "reference"],
    ["with payload chosen", { requests: "payload" }, "payload"],
    ["with reference chosen, which a policy evaluates", { networkIsolation: true, requests: "reference" }, "reference"],
  ] as const) {
    it(`is ${expected} ${what}`, () => {
      assert.equal(requestModeOf({ ...plain, ...change }), expected);
    });
  }
});

describe("source buckets with requests by reference", () => {
  const { parse, problems } = stackConfigs();
  const listOf = (...sources: object[]): string => JSON.stringify(sources);
  const many = listOf(...Array.from({ length: 20 }, (_, index) => ({ bucket: `${"b".repeat(60)}${index + 10}` })));

  for (const [what, sourceBuckets] of [
    ["a comma in a prefix", listOf({ bucket: "clips", prefix: "a,b/" })],
    ["a space at the end of a prefix", listOf({ bucket: "clips", prefix: "a " })],
    ["a prefix that the handler never reads", listOf({ bucket: "clips", prefix: "results/2026/" })],
    ["more than a variable of the container can contain", many],
  ] as const) {
    it(`may not have ${what}`, () => {
      const [problem, ...others] = problems({ sourceBuckets });
      assert.deepEqual(others, []);
      assert.match(problem!, /sourceBuckets is .*, but must be source buckets whose prefixes have no comma/);
    });

    it(`may have ${what} if requests contain their videos`, () => {
      assert.ok(parse({ sourceBuckets, requests: "payload" }).sourceBuckets.length > 0);
    });
  }
});
