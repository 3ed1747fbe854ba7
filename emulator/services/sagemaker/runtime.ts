/** SageMaker's runtime: accepts asynchronous invocations and returns the locations of their results. */

import { randomUUID } from "node:crypto";
import type {
  InvokeEndpointAsyncInput,
  InvokeEndpointAsyncOutput,
  InvokeEndpointInput,
} from "@aws-sdk/client-sagemaker-runtime";
import type { ObjectStore } from "../../aws-ports.ts";
import { below, formatS3Location, parseS3Location } from "../../s3-location.ts";
import type { S3Location } from "../../s3-location.ts";
import { AwsError } from "../../wire/service.ts";
import type { RequestContext } from "../../wire/service.ts";
import { executionActor } from "./dependencies.ts";
import type { SageMakerState } from "./dependencies.ts";
import type { AsyncSpec } from "./endpoint-configs.ts";
import type { Invocation } from "./invocation.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Registry } from "./registry.ts";

/** Defaults of the API reference, seconds. */
const defaultTtl = 21_600;
const defaultTimeout = 900;

/** Returns the handlers of SageMaker's runtime. */
export function runtimeHandlers({ endpoints, aws: { callAs } }: SageMakerState) {
  const refuseSynchronous = ({ EndpointName = "" }: InvokeEndpointInput, context: RequestContext): never => {
    invocable(endpoints, EndpointName, context);
    // The code of the refusal is known, AWS's message is unconfirmed.
    throw new AwsError(
      "ValidationError",
      `Endpoint ${EndpointName} of account ${context.accountId} is asynchronous and does not support this operation. Use InvokeEndpointAsync.`,
    );
  };

  return {
    async InvokeEndpointAsync(
      input: InvokeEndpointAsyncInput,
      context: RequestContext,
    ): Promise<InvokeEndpointAsyncOutput> {
      const endpoint = invocable(endpoints, input.EndpointName ?? "", context);
      const { async, variant } = endpoint.config;
      const { objects } = callAs(executionActor(variant.model.roleArn));
      const { location, text } = await inputOf(input, async, objects);
      const inferenceId = input.InferenceId ?? randomUUID();
      const { output, failure } = placesOf(input, async);
      const invocation: Invocation = {
        inferenceId,
        receivedAt: context.now.getTime(),
        ttl: (input.RequestTTLSeconds ?? defaultTtl) * 1000,
        timeout: (input.InvocationTimeoutSeconds ?? defaultTimeout) * 1000,
        input: location,
        inputLocation: text,
        output: { ...output, kmsKeyId: async.kmsKeyId },
        failure: failure === undefined ? undefined : { ...failure, kmsKeyId: async.kmsKeyId },
        contentType: input.ContentType,
        accept: input.Accept,
        customAttributes: input.CustomAttributes,
        answer: undefined,
      };
      endpoint.machine.enqueue(invocation);
      return {
        InferenceId: inferenceId,
        OutputLocation: formatS3Location(output),
        // Without S3FailurePath (unconfirmed): no location is returned and no object is written.
        FailureLocation: failure === undefined ? undefined : formatS3Location(failure),
      };
    },

    InvokeEndpoint: refuseSynchronous,
    InvokeEndpointWithResponseStream: refuseSynchronous,
  };
}

/** Returns an endpoint that accepts requests. The runtime distinguishes names by case, unlike the control plane. */
function invocable(endpoints: Registry<LiveEndpoint>, name: string, { accountId }: RequestContext): LiveEndpoint {
  const endpoint = endpoints.find(name);
  if (endpoint?.name !== name || !endpoint.isInvocable) {
    throw new AwsError("ValidationError", `Endpoint ${name} of account ${accountId} not found.`);
  }
  return endpoint;
}

async function inputOf(
  input: InvokeEndpointAsyncInput,
  async: AsyncSpec,
  objects: ObjectStore,
): Promise<{ location: S3Location; text: string }> {
  const { InputLocation: text, Body: body } = input;
  if (text !== undefined && body !== undefined) {
    throw new AwsError("ValidationError", "InputLocation and Body cannot both be set.");
  }
  if (text !== undefined) {
    const location = parseS3Location(text);
    if (location === undefined || location.key === "") {
      throw new AwsError("ValidationError", `InputLocation is not an object in Amazon S3: ${text}`);
    }
    return { location, text };
  }
  if (body === undefined) throw new AwsError("ValidationError", "InputLocation is required when no Body is sent.");
  // AWS stores an inline body as an object, too; its key and the role that writes it are unconfirmed.
  const location = below(async.outputPath, `async-endpoint-inputs/${randomUUID()}.in`);
  await objects.put(location, body, { contentType: input.ContentType, kmsKeyId: async.kmsKeyId });
  return { location, text: formatS3Location(location) };
}

/** Returns keys that cannot be guessed, as on AWS: neither contains the InferenceId. */
function placesOf(
  { S3OutputPathExtension: extension, Filename: filename }: InvokeEndpointAsyncInput,
  { outputPath, failurePath }: AsyncSpec,
): { output: S3Location; failure: S3Location | undefined } {
  const id = randomUUID();
  const folder = extension === undefined ? outputPath : below(outputPath, extension.replace(/^\/+|\/+$/g, ""));
  return {
    output: below(folder, filename ?? `${id}.out`),
    // It is unconfirmed whether extension and file name are part of the failure key; here they are not.
    failure: failurePath === undefined ? undefined : below(failurePath, `${id}-error.out`),
  };
}
