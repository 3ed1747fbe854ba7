/** How the steps call AWS. */
import { throughProxy } from "../../lib/proxies.ts";

/** Milliseconds: an answer that never comes must not hang the job. The SDK sets no limit. */
export const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  throwOnRequestTimeout: true,
  ...throughProxy,
} as const;
