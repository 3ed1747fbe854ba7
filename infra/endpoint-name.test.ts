/** Tests the endpoint's name. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { endpointNameOf, logGroupOf } from "./endpoint-name.ts";
import type { EndpointIdentity } from "./endpoint-name.ts";

const identity: EndpointIdentity = {
  accountId: "123456789012",
  region: "eu-west-1",
  project: "async-video-inference",
  stack: "dev",
  rollbackAlarms: ["errors", "latency"],
};

describe("the endpoint's name", () => {
  const name = endpointNameOf(identity);

  it("is the stack's prefix and 7 hexadecimal digits, always the same, and names the log group", () => {
    assert.match(name, /^video-dev-endpoint-[0-9a-f]{7}$/);
    assert.equal(endpointNameOf({ ...identity }), name);
    assert.equal(endpointNameOf(identity, "clips-"), name.replace("video-dev-endpoint-", "clips-"));
    assert.equal(logGroupOf(name), `/aws/sagemaker/Endpoints/${name}`);
  });

  it("does not depend on the order of the alarms, which the provider ignores", () => {
    assert.equal(endpointNameOf({ ...identity, rollbackAlarms: ["latency", "errors"] }), name);
  });

  for (const [what, change] of Object.entries<Partial<EndpointIdentity>>({
    account: { accountId: "210987654321" },
    region: { region: "us-east-1" },
    project: { project: "other" },
    stack: { stack: "prod" },
    "set of alarms": { rollbackAlarms: ["errors"] },
    "border between two values": { project: "async-video-inferencedev", stack: "" },
  })) {
    it(`changes with another ${what}`, () => {
      assert.notEqual(endpointNameOf({ ...identity, ...change }), name);
    });
  }
});
