/** How the doctor reaches AWS: as the AWS SDKs and the stack's provider find it, and for reading alone. */

import { throughProxy } from "../../lib/proxies.ts";

/** What every AWS SDK client is made with. */
export interface AwsAccess {
  readonly region: string;
  readonly profile?: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly maxAttempts: number;
  /** Ends a request that is not answered: the SDK sets no limit. */
  readonly requestHandler: typeof requestLimits;
}

/** Milliseconds: the doctor says what did not answer instead of waiting for it. */
export const requestLimits = {
  connectionTimeout: 5_000,
  requestTimeout: 15_000,
  throwOnRequestTimeout: true,
  ...throughProxy,
} as const;

/** For a client of S3: an address of one's own (AWS_ENDPOINT_URL) has no host name for each bucket. */
export function forS3(aws: AwsAccess, env: NodeJS.ProcessEnv): AwsAccess & { readonly forcePathStyle: boolean } {
  const ownAddress = aws.endpoint ?? env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"];
  return { ...aws, forcePathStyle: ownAddress !== undefined };
}
