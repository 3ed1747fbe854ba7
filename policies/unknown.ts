/** Reports values that a preview does not know: neither as a pass nor as a violation, but as a separate kind of advisory. */
import * as framework from "@pulumi/policy";
import type { ReportViolation } from "@pulumi/policy";

interface UnknownValue extends Error {
  /** Path of the value in the resource's properties. */
  readonly props: readonly (string | symbol)[];
}

// The framework exports it, but its type declarations omit it.
const UnknownValueError = Reflect.get(framework, "UnknownValueError") as new (...args: unknown[]) => UnknownValue;

/** Prefix of every message of this kind, so that they can be counted separately. */
export const notEvaluated = "Cannot be evaluated in preview:";

/** Checks if a policy failed because it read a value that is unknown before the update. */
function isUnknownValue(error: unknown): error is UnknownValue {
  return error instanceof UnknownValueError;
}

/**
 * Reads a value that may be unknown. Returns undefined, without a proxy, if it is.
 * @throws {Error} that `read` throws for another reason
 */
export function ifKnown<T>(read: () => T): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (isUnknownValue(error)) return undefined;
    throw error;
  }
}

/** Options to report a violation at another level. The server accepts them, but the framework's types omit them. */
type ReportAtLevel = (violation: {
  message: string;
  urn: string;
  enforcementLevel: "advisory";
  severity: "low";
}) => void;

/**
 * Reports that a policy could not evaluate a resource.
 * @throws the error if its cause is not an unknown value
 */
export function reportUnknown(
  error: unknown,
  report: ReportViolation,
  { name, urn }: { readonly name: string; readonly urn: string },
): void {
  if (!isUnknownValue(error)) throw error;
  (report as unknown as ReportAtLevel)({
    message:
      `${notEvaluated} '${name}' has no value yet for ${error.props.join(".")}; ` +
      `the update evaluates it: a rule on a single resource before the resource is created, a rule on the stack at the end.`,
    urn,
    enforcementLevel: "advisory",
    severity: "low",
  });
}

/** Evaluates each of a stack's resources separately, so that one with unknown values does not prevent the evaluation of the others. */
export function evaluateEach<Resource extends { readonly name: string; readonly urn: string }>(
  resources: readonly Resource[],
  report: ReportViolation,
  evaluate: (resource: Resource) => void,
): void {
  for (const resource of resources) {
    try {
      evaluate(resource);
    } catch (error) {
      reportUnknown(error, report, resource);
    }
  }
}
