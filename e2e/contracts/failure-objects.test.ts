/** Tests the content of failure objects under each assumption about it, and that the client finds the reason in it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, describe, it } from "mocha";
import { InvokeEndpointAsyncCommand } from "@aws-sdk/client-sagemaker-runtime";
import { isBadInput, reasonOf } from "../../client/src/failure.ts";
import { eventually } from "../../lib/testing/processes.ts";
import { ModelServer } from "../../emulator/model-server/model-server.ts";
import type { FakeFleet } from "../../emulator/testing/fake-aws.ts";
import { SageMakerFixture } from "../../emulator/testing/sagemaker-fixture.ts";

type Model = FakeFleet["model"];

const missing = "ClientError: Could not download the input: there is no object at s3://videos/none.mp4.";

describe("A failure object", () => {
  let fixture: SageMakerFixture;

  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  /** Returns the failure object of a request that this model fails. */
  const failureOf = async (failureBody: "json" | "text" | undefined, model: (fixture: SageMakerFixture) => Model) => {
    fixture = await SageMakerFixture.start(failureBody === undefined ? {} : { assumptions: { failureBody } });
    fixture.aws.fleet.model = model(fixture);
    await fixture.createEndpoint();
    await fixture.untilStatus("InService");
    const input = { EndpointName: "endpoint", InputLocation: "s3://videos/none.mp4", InvocationTimeoutSeconds: 1 };
    const { FailureLocation = "" } = await fixture.runtime.send(new InvokeEndpointAsyncCommand(input));
    const { stored } = fixture.aws.objects;
    await eventually(`there is an object at ${FailureLocation}`, () => stored.has(FailureLocation));
    const { body, contentType } = stored.get(FailureLocation) ?? { body: "", contentType: undefined };
    return { text: body.toString(), contentType };
  };
  /** The instance's own code, whose request ends before it needs a server. */
  const withMissingInput = ({ aws: { objects } }: SageMakerFixture): Model => {
    const process = { pid: 0, ended: new Promise<string>(() => undefined), stop: () => Promise.resolve() };
    const server = new ModelServer({
      server: { socket: { socketPath: "/none", token: "" }, process },
      objects,
      cleanUp: () => Promise.resolve(),
    });
    return (invocation, signal) => server.run(invocation, signal);
  };
  const timingOut = (): Model => async (_invocation, signal) => {
    await once(signal, "abort");
    throw signal.reason as Error;
  };
  const refusing = (): Model => (invocation) => {
    invocation.answer = {
      contentType: "application/problem+json",
      body: Buffer.from('{"error":"no video","code":400}'),
    };
    const reason = "ClientError: Received client error (400) from model.";
    return Promise.resolve({ status: "failed", reason, modelStatus: 400, timings: {} });
  };

  it("of a missing input has the reason as JSON by default", async () => {
    const { text, contentType } = await failureOf(undefined, withMissingInput);
    assert.equal(contentType, "application/json");
    assert.deepEqual(JSON.parse(text), { failureReason: missing });
  });

  it("of a missing input has the reason as text if failureBody is text", async () => {
    assert.deepEqual(await failureOf("text", withMissingInput), { text: missing, contentType: "text/plain" });
  });

  for (const failureBody of ["json", "text"] as const) {
    describe(`if failureBody is ${failureBody}`, () => {
      it("of a missing input gives the client its reason", async () => {
        assert.equal(reasonOf((await failureOf(failureBody, withMissingInput)).text), missing);
      });

      it("of a request that timed out gives the client its reason", async () => {
        const { text, contentType } = await failureOf(failureBody, timingOut);
        assert.equal(contentType, failureBody === "json" ? "application/json" : "text/plain");
        assert.match(reasonOf(text), /^The model did not answer within 1 seconds?\.$/);
      });

      it("of a request that the model refused is the model's answer", async () => {
        const { text, contentType } = await failureOf(failureBody, refusing);
        assert.equal(text, '{"error":"no video","code":400}');
        assert.equal(contentType, "application/problem+json");
        assert.equal(reasonOf(text), "no video");
        assert.equal(isBadInput(text), true);
      });
    });
  }
});
