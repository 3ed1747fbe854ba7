/** Registers an endpoint under Pulumi's mocks, with its storage and topics, for tests. */
import { AsyncEndpoint } from "../components/async-endpoint.ts";
import type { AsyncEndpointArgs } from "../components/async-endpoint-args.ts";
import { InferenceNotifications } from "../components/inference-notifications.ts";
import { VideoStorage } from "../components/video-storage.ts";
import { keyArn, mockAccount, registrationsOf } from "./registrations.ts";
import type { Registrations } from "./registrations.ts";

/** Pulumi type of the model. */
export const modelType = "aws:sagemaker/model:Model";

type Choices = Partial<AsyncEndpointArgs>;

/** Registers the endpoint `detector` with these arguments and returns every registration. */
export async function deployEndpoint(choices: Choices = {}): Promise<Registrations> {
  const { registrations } = await registrationsOf(() => {
    const account = mockAccount();
    const { inputBucket, outputBucket } = new VideoStorage("clips", { keyArn });
    const { successTopicArn, errorTopicArn } = new InferenceNotifications("clips", { account, keyArn });
    new AsyncEndpoint("detector", {
      account,
      keyArn,
      inputBucket,
      outputBucket,
      successTopicArn,
      errorTopicArn,
      modelUrl: "s3://clips-input-0a1b2c3/models/f00d/model.tar.gz",
      ...choices,
    });
  });
  return registrations;
}
