/** Options of the doctor's AWS clients, which find AWS as the SDKs and the stack's provider do, and only read. */

import { requestHandler } from "../../lib/proxies.ts";

/** Options of every AWS SDK client. */
export interface AwsAccess {
  readonly region: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts: number;
  /** Ends a request without an answer: the SDK sets no limit. */
  readonly requestHandler: typeof requestLimits;
}

/** Limits of a request, after which the doctor reports the missing answer. */
export const requestLimits = { ...requestHandler, requestTimeout: 15_000 } as const;

/** Options for a client of S3: a custom address (AWS_ENDPOINT_URL) has no host name for each bucket. */
export function forS3(aws: AwsAccess, env: NodeJS.ProcessEnv): AwsAccess & { readonly forcePathStyle: boolean } {
  const ownAddress = aws.endpoint ?? env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"];
  return { ...aws, forcePathStyle: ownAddress !== undefined };
}
