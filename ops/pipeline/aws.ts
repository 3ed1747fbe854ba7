/** Options of the steps' AWS clients. */
import { throughProxy } from "../../lib/proxies.ts";

/** Timeout of a call in milliseconds, so that a lost answer does not block the job. The SDK sets no limit. */
export const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  throwOnRequestTimeout: true,
  ...throughProxy,
} as const;
