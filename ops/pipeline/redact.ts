/**
 * Redacts output that GitHub shows to everyone who may read the repository: comments, issues, summaries and reports. The masks of
 * aws-actions/configure-aws-credentials cover only the log of the job that sets them.
 */

/**
 * An AWS account's number: 12 digits that are not part of a longer word, as in ARNs, registry hosts, queue addresses and names of buckets.
 * (https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html)
 */
const accountId = /(?<![0-9A-Za-z])\d{12}(?![0-9A-Za-z])/g;
/** An access key's ID (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html, unique identifiers). */
const accessKeyId = /(?<![0-9A-Za-z])A[KS]IA[A-Z0-9]{16}(?![0-9A-Za-z])/g;

/** Replaces account numbers and access key IDs. Names of resources and IDs of KMS keys stay: a review needs them. */
export function redacted(text: string): string {
  return text.replaceAll(accountId, "<account>").replaceAll(accessKeyId, "<access key>");
}
