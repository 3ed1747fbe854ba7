/** Tests that SageMaker's runtime client, which speaks rest-json, is understood and understands the answers. */

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "mocha";
import { InvokeEndpointAsyncCommand, SageMakerRuntimeClient } from "@aws-sdk/client-sagemaker-runtime";
import type { Gateway } from "../gateway/gateway.ts";
import { sdkConfig, signed, startTestGateway } from "../testing/test-gateway.ts";

describe("A service on the wire in rest-json", () => {
  let gateway: Gateway;
  let input: object | undefined;

  before(async () => {
    const InvokeEndpointAsync = (given: object): object => {
      input = given;
      return { InferenceId: "id", OutputLocation: "s3://o/k" };
    };
    gateway = await startTestGateway([{ model: "sagemaker-runtime", handlers: { InvokeEndpointAsync } }]);
  });
  beforeEach(() => {
    input = undefined;
  });
  after(async () => {
    await gateway.stop();
  });

  const client = () => new SageMakerRuntimeClient(sdkConfig(gateway));
  const good = {
    EndpointName: "video",
    InputLocation: "s3://b/k.mp4",
    ContentType: "video/mp4",
    RequestTTLSeconds: 60,
  };

  it("gathers its input from path and headers, its output from headers and body", async () => {
    const output = await client().send(new InvokeEndpointAsyncCommand(good));
    assert.deepEqual(input, good);
    assert.equal(output.$metadata.httpStatusCode, 202);
    assert.equal(output.InferenceId, "id");
    assert.equal(output.OutputLocation, "s3://o/k");
    assert.equal(output.FailureLocation, undefined);
  });

  it("passes on a body as bytes", async () => {
    await client().send(new InvokeEndpointAsyncCommand({ EndpointName: "video", Body: Buffer.from([1, 2, 3]) }));
    const { Body } = input as { Body: Uint8Array };
    assert.deepEqual([...Body], [1, 2, 3]);
  });

  it("reports a broken constraint as ValidationError", async () => {
    for (const change of [{ RequestTTLSeconds: 59 }, { Body: Buffer.alloc(128_001) }, { InputLocation: "ftp://x" }]) {
      await assert.rejects(client().send(new InvokeEndpointAsyncCommand({ ...good, ...change })), {
        name: "ValidationError",
      });
    }
    assert.equal(input, undefined);
  });

  it("refuses a header that is not a number", async () => {
    const url = `${gateway.url}/endpoints/video/async-invocations`;
    const headers = { "x-amzn-sagemaker-requestttlseconds": "long" };
    const answer = await fetch(url, await signed(url, { service: "sagemaker", method: "POST", headers }));
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("x-amzn-errortype"), "SerializationException");
  });
});
