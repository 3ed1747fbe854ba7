/** Parses ARNs and patterns of ARNs in policies. */

/** The parts of `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`. */
export interface Arn {
  readonly partition: string;
  readonly service: string;
  readonly region: string;
  /** Empty for a bucket. */
  readonly account: string;
  /** `NAME`, `KIND/NAME` or `KIND:NAME`. */
  readonly resource: string;
}

/** Returns the parts of an ARN; undefined for other text. A policy variable (`${aws:username}`) is read as a wildcard. */
export function parseArn(text: string): Arn | undefined {
  const [scheme, partition, service, region, account, ...resource] = text.replaceAll(/\$\{[^}]*\}/g, "*").split(":");
  if (scheme !== "arn" || partition === undefined || service === undefined) return undefined;
  if (region === undefined || account === undefined || resource.length === 0) return undefined;
  return { partition, service, region, account, resource: resource.join(":") };
}

/** Checks if text contains one of IAM's wildcards. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** Checks if text is an account's number. */
export function isAccount(text: string): boolean {
  return /^\d{12}$/.test(text);
}

/** Services whose ARNs of this form start with a name instead of a kind (Service Authorization Reference). */
const bareNames = ["codecommit", "execute-api", "sns", "sqs"];

/**
 * Checks if a pattern names no resource: `*`, `arn:aws:s3:::*`, `arn:aws:iam::123456789012:role/?*`, or any pattern with a wildcard for the
 * partition, the service or the account. A bucket's objects and a prefix of a name do name something.
 */
export function namesEverything(pattern: string): boolean {
  const arn = parseArn(pattern);
  if (arn === undefined || [arn.partition, arn.service, arn.account].some(isPattern)) return true;
  const { service, account, resource } = arn;
  if (!isPattern(resource)) return false;
  const bare = bareNames.includes(service) || (service === "s3" && account === "");
  const [first = "", ...rest] = resource.split(/[:/]/);
  if (bare) return !/[^*?]/.test(first);
  // Without a name after it, `role*` matches every role: the letters are those of the kind.
  if (rest.length === 0) return isPattern(first);
  return !/[^*?]/.test(rest.find((segment) => segment !== "") ?? "");
}
