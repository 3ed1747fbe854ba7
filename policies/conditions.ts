/** Which conditions of a policy's statement limit whom it is about. */
import { isAccount, isPattern, parseArn } from "./arns.ts";
import { conditionValues, type Statement } from "./documents.ts";

/**
 * Operators that hold only if the request has the key, with one of the values. Not those that a request without the key passes
 * (`…IfExists`, `ForAllValues:…`, `Null`), and not those that all but some values pass (`StringNotEquals`, `ArnNotLike`).
 * Source: IAM user guide, "IAM JSON policy elements: Condition operators".
 */
const exact = ["StringEquals", "StringEqualsIgnoreCase"];
const strings = [...exact, "StringLike"].flatMap(anyOf);
/** These two compare the same way: each part of the ARN by itself, with wildcards. */
const arns = ["ArnEquals", "ArnLike"].flatMap(anyOf);
/** Operators for a service: whether it sends the key differs by call, but if it does, the value must be one of these. */
const stringsIfPresent = [...exact, "StringLike"].map((operator) => `${operator}IfExists`);

function anyOf(operator: string): string[] {
  return [operator, `ForAnyValue:${operator}`];
}

/** Keys that say whose a request is, by what their values are. Others, such as the address, do not say who. */
const accountKeys = ["aws:PrincipalAccount", "aws:SourceAccount", "kms:CallerAccount"];
const arnKeys = ["aws:PrincipalArn", "aws:SourceArn"];
const organizationKeys = ["aws:PrincipalOrgID", "aws:SourceOrgID"];
/** Keys that say for whom a service acts. */
const sourceKeys: readonly string[] = ["aws:SourceAccount", "aws:SourceArn"];

/**
 * Whether a condition limits a statement to accounts, organizations or sources that it names, each by a value that names one.
 * @param keys - the condition keys that count
 */
export function limitsWho(
  statement: Statement,
  keys: readonly string[] = [...accountKeys, ...arnKeys, ...organizationKeys],
): boolean {
  const limits = (operators: readonly string[], kind: readonly string[], names: (value: string) => boolean): boolean =>
    operators.some((operator) =>
      kind.some((key) => {
        // One value is enough to pass, so each has to name someone.
        const values = keys.includes(key) ? conditionValues(statement, [operator], key) : [];
        return values.length > 0 && values.every(names);
      }),
    );
  return (
    limits(strings, accountKeys, isAccount) ||
    limits(strings, organizationKeys, (value) => /^o-[a-z0-9]{10,32}$/.test(value)) ||
    limits(arns, arnKeys, namesOwner) ||
    limits(strings, arnKeys, (value) => namesOwner(value) && !startsOpen(value))
  );
}

/**
 * Whether a condition keeps a service from acting for other accounts than those that it names. Accepts `aws:SourceAccount` with
 * `IfExists`: not every service sends the key with every call, and only a service can leave it out, because the principal is one.
 */
export function limitsSource(statement: Statement): boolean {
  const accounts = conditionValues(statement, stringsIfPresent, "aws:SourceAccount");
  return limitsWho(statement, sourceKeys) || (accounts.length > 0 && accounts.every(isAccount));
}

/** Whether a pattern of ARNs is of one account, or of one bucket: a bucket has no account in its ARN. */
function namesOwner(pattern: string): boolean {
  const arn = parseArn(pattern);
  if (arn === undefined) return false;
  return isAccount(arn.account) || (arn.account === "" && arn.service === "s3" && !isPattern(arn.resource));
}

/** Whether a wildcard stands before the account: compared as strings it takes colons too, and the account is then anything. */
function startsOpen(pattern: string): boolean {
  const { partition = "*", service = "*", region = "*" } = parseArn(pattern) ?? {};
  return [partition, service, region].some(isPattern);
}

/**
 * Whether a condition names the subjects of an identity provider's tokens, each in full. Without it everyone whom the provider
 * knows may take the role: of GitHub's, every repository (IAM user guide, "Create a role for OpenID Connect federation").
 */
export function namesSubjects(statement: Statement, provider: string): boolean {
  const issuer = provider.includes(":saml-provider/") ? "SAML" : provider.replace(/^.*:oidc-provider\//, "");
  const values = conditionValues(statement, ["StringEquals"], `${issuer}:sub`);
  return values.length > 0 && values.every((value) => value !== "" && !isPattern(value) && !value.includes("${"));
}
