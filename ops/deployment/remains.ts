/** Waits until a deleted endpoint is completely removed, as `pipeline up` and `pipeline destroy` do on AWS. */
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { closing } from "../../lib/closing.ts";

/** Milliseconds of real time. An instance of the emulator stops within a minute. */
const wait = { interval: 500, limit: 5 * 60_000 };

const environmentSchema = z.object({
  AWS_ENDPOINT_URL: z.string(),
  AWS_REGION: z.string(),
  AWS_ACCESS_KEY_ID: z.string(),
  AWS_SECRET_ACCESS_KEY: z.string(),
  AWS_SESSION_TOKEN: z.string().optional(),
});

/** Endpoints and log groups that the engine deletes in an operation. */
export class Deleted {
  readonly #endpoints = new Set<string>();
  readonly #logGroups = new Set<string>();

  /** Records a resource that the engine deletes or replaces. */
  note({ resourcePreEvent }: EngineEvent): void {
    const { op, type, old } = resourcePreEvent?.metadata ?? {};
    if (old === undefined || (op !== "delete" && op !== "delete-replaced")) return;
    if (type === "aws:sagemaker/endpoint:Endpoint") this.#endpoints.add(old.id);
    if (type === "aws:cloudwatch/logGroup:LogGroup") this.#logGroups.add(old.id);
  }

  /**
   * Waits until the endpoints are deleted, and removes log groups that SageMaker created again in the meantime.
   * @param environment the variables with which an AWS SDK finds the emulator
   * @throws Error if an endpoint still exists after the time limit
   */
  async remove(environment: Readonly<Record<string, string | undefined>>, signal: AbortSignal): Promise<void> {
    if (this.#endpoints.size + this.#logGroups.size === 0) return;
    // The SDKs take a moment to load.
    const [{ deleteLogGroup, waitWhile }, { SageMakerClient }, { CloudWatchLogsClient }] = await Promise.all([
      import("../../lib/endpoint-remains.ts"),
      import("@aws-sdk/client-sagemaker"),
      import("@aws-sdk/client-cloudwatch-logs"),
    ]);
    const aws = environmentSchema.parse(environment);
    const access = {
      endpoint: aws.AWS_ENDPOINT_URL,
      region: aws.AWS_REGION,
      credentials: {
        accessKeyId: aws.AWS_ACCESS_KEY_ID,
        secretAccessKey: aws.AWS_SECRET_ACCESS_KEY,
        ...(aws.AWS_SESSION_TOKEN === undefined ? {} : { sessionToken: aws.AWS_SESSION_TOKEN }),
      },
    };
    using sagemaker = closing(new SageMakerClient(access));
    using logs = closing(new CloudWatchLogsClient(access));
    for (const name of this.#endpoints) await waitWhile(sagemaker, name, ["Deleting"], wait, signal);
    for (const name of this.#logGroups) await deleteLogGroup(logs, name);
  }
}
