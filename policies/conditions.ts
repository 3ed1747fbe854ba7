/** Finds the conditions of a policy's statement that limit its principals. */
import { isAccount, isPattern, parseArn } from "./arns.ts";
import { conditionValues } from "./documents.ts";
import type { Statement } from "./documents.ts";

/**
 * Operators that hold only if the request has the key, with one of the values. Not those that also hold without the key
 * (`…IfExists`, `ForAllValues:…`, `Null`), and not those that exclude only some values (`StringNotEquals`, `ArnNotLike`).
 * Source: IAM user guide, "IAM JSON policy elements: Condition operators".
 */
const exact = ["StringEquals", "StringEqualsIgnoreCase"];
const strings = [...exact, "StringLike"].flatMap(anyOf);
/** These two are equivalent: each part of the ARN is compared separately, with wildcards. */
const arns = ["ArnEquals", "ArnLike"].flatMap(anyOf);
/** Operators for a service. It does not send the key with every call, but if it does, the value must be one of these. */
const stringsIfPresent = [...exact, "StringLike"].map((operator) => `${operator}IfExists`);

function anyOf(operator: string): string[] {
  return [operator, `ForAnyValue:${operator}`];
}

/** Keys whose values identify the owner of a request. Others, such as the address, do not. */
const accountKeys = ["aws:PrincipalAccount", "aws:SourceAccount", "kms:CallerAccount"];
const arnKeys = ["aws:PrincipalArn", "aws:SourceArn"];
const organizationKeys = ["aws:PrincipalOrgID", "aws:SourceOrgID"];
/** Keys whose values identify the account or resource that a service acts for. */
const sourceKeys: readonly string[] = ["aws:SourceAccount", "aws:SourceArn"];

/**
 * Checks if a condition limits a statement to accounts, organizations or sources, each named by a value.
 * @param keys - the condition keys that count
 */
export function limitsWho(
  statement: Statement,
  keys: readonly string[] = [...accountKeys, ...arnKeys, ...organizationKeys],
): boolean {
  const limits = (operators: readonly string[], kind: readonly string[], names: (value: string) => boolean): boolean =>
    operators.some((operator) =>
      kind.some((key) => {
        // One matching value is enough, so each has to name an owner.
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
 * Checks if a condition limits a service to the named accounts. Accepts `aws:SourceAccount` with
 * `IfExists`: not every service sends the key with every call, and only a service can omit it, because the principal is one.
 */
export function limitsSource(statement: Statement): boolean {
  const accounts = conditionValues(statement, stringsIfPresent, "aws:SourceAccount");
  return limitsWho(statement, sourceKeys) || (accounts.length > 0 && accounts.every(isAccount));
}

/** Checks if a pattern of ARNs is of one account, or of one bucket: a bucket has no account in its ARN. */
function namesOwner(pattern: string): boolean {
  const arn = parseArn(pattern);
  if (arn === undefined) return false;
  return isAccount(arn.account) || (arn.account === "" && arn.service === "s3" && !isPattern(arn.resource));
}

/** Checks for a wildcard before the account. In a string comparison it also matches colons, so the account can be any. */
function startsOpen(pattern: string): boolean {
  const { partition = "*", service = "*", region = "*" } = parseArn(pattern) ?? {};
  return [partition, service, region].some(isPattern);
}

/**
 * Checks if a condition names the subjects of an identity provider's tokens, each in full. Without it every identity of the
 * provider may assume the role: of GitHub's, every repository (IAM user guide, "Create a role for OpenID Connect federation").
 */
export function namesSubjects(statement: Statement, provider: string): boolean {
  const issuer = provider.includes(":saml-provider/") ? "SAML" : provider.replace(/^.*:oidc-provider\//, "");
  const values = conditionValues(statement, ["StringEquals"], `${issuer}:sub`);
  return values.length > 0 && values.every((value) => value !== "" && !isPattern(value) && !value.includes("${"));
}
