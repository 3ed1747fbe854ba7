/** How the steps call AWS. */

/** Milliseconds: an answer that never comes must not hang the job. The SDK sets no limit. */
export const requestHandler = {
  connectionTimeout: 5_000,
  requestTimeout: 30_000,
  throwOnRequestTimeout: true,
} as const;
