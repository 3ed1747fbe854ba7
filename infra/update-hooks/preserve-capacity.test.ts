/** Tests the hooks around an endpoint's update that preserve its capacity. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { describe, it } from "mocha";
import type * as pulumi from "@pulumi/pulumi";
import { sageMaker } from "./endpoint-calls.ts";
import type { LiveEndpoint } from "./endpoint-calls.ts";
import { preserveCapacity } from "./preserve-capacity.ts";

const arn = "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/detector";

function hookArgs(outputs: Record<string, string>): pulumi.ResourceHookArgs {
  const type = "aws:sagemaker/endpoint:Endpoint";
  return {
    urn: `urn:pulumi:test::project::${type}::x`,
    id: "detector",
    name: "x",
    type,
    oldOutputs: outputs,
    newOutputs: outputs,
  };
}

/** Runs both hooks around an update that leaves one instance. SageMaker returns these states in this order. */
async function update(
  states: LiveEndpoint[],
): Promise<{ set: [string, string, number][]; regions: string[]; looks: number }> {
  const set: [string, string, number][] = [];
  const regions: string[] = [];
  let looks = 0;
  const { capture, restore } = preserveCapacity((region) => {
    regions.push(region);
    return Promise.resolve({
      describe: () => {
        const state = states[Math.min(looks, states.length - 1)]!;
        looks += 1;
        return Promise.resolve(state);
      },
      setDesired: (...call) => {
        set.push(call);
        return Promise.resolve();
      },
    });
  }, wait);
  const args = hookArgs({ arn, name: "detector" });
  await capture(args);
  await restore(args);
  return { set, regions, looks };
}

const wait = { interval: 1, limit: 5_000 };

const inService = (desired: number): LiveEndpoint => ({
  status: "InService",
  variantName: "AllTraffic",
  desired,
  configuration: "config",
});

describe("the capacity during an update", () => {
  it("is restored to zero, so that an update starts an idle endpoint only briefly", async () => {
    assert.deepEqual((await update([inService(0), inService(1)])).set, [["detector", "AllTraffic", 0]]);
  });

  it("is restored to a busy endpoint's number of instances", async () => {
    assert.deepEqual((await update([inService(4), inService(1)])).set, [["detector", "AllTraffic", 4]]);
  });

  it("is not set if the update did not change it", async () => {
    assert.deepEqual((await update([inService(1), inService(1)])).set, []);
  });

  it("is captured once no scaling is in progress, because SageMaker would refuse the update", async () => {
    const busy = (status: string): LiveEndpoint => ({ ...inService(2), status });
    const { set, looks } = await update([busy("Updating"), busy("RollingBack"), inService(3), inService(1)]);
    assert.equal(looks, 4);
    assert.deepEqual(set, [["detector", "AllTraffic", 3]]);
  });

  it("is captured only until a deadline", async () => {
    const port = {
      describe: () => Promise.resolve({ ...inService(2), status: "Updating" }),
      setDesired: () => Promise.resolve(),
    };
    const { capture } = preserveCapacity(() => Promise.resolve(port), { interval: 1, limit: 20 });
    await assert.rejects(async () => capture(hookArgs({ arn, name: "detector" })), /has been Updating for/);
  });

  it("is requested in the endpoint's region", async () => {
    assert.deepEqual(new Set((await update([inService(1)])).regions), new Set(["eu-west-1"]));
  });

  it("is read and set by SageMaker's API", async () => {
    const requests: [target: string, body: unknown][] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        requests.push([String(request.headers["x-amz-target"]), JSON.parse(body)]);
        response.setHeader("content-type", "application/x-amz-json-1.1");
        response.end(
          JSON.stringify({
            EndpointStatus: "InService",
            EndpointConfigName: "config",
            FailureReason: "no capacity",
            ProductionVariants: [{ VariantName: "AllTraffic", DesiredInstanceCount: 3 }],
          }),
        );
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    const environment = {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${address.port}`,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
    const before = { ...process.env };
    Object.assign(process.env, environment);
    try {
      const port = await sageMaker("eu-west-1");
      assert.deepEqual(await port.describe("detector"), { ...inService(3), failureReason: "no capacity" });
      await port.setDesired("detector", "AllTraffic", 0);
    } finally {
      for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
      Object.assign(process.env, before);
      server.close();
      server.closeAllConnections();
    }
    assert.deepEqual(requests, [
      ["SageMaker.DescribeEndpoint", { EndpointName: "detector" }],
      [
        "SageMaker.UpdateEndpointWeightsAndCapacities",
        {
          EndpointName: "detector",
          DesiredWeightsAndCapacities: [{ VariantName: "AllTraffic", DesiredInstanceCount: 0 }],
        },
      ],
    ]);
  });
});
