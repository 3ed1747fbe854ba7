/** Reports values that a preview does not know: neither as a pass nor as a violation, but as a separate kind of advisory. */
import * as framework from "@pulumi/policy";
import type { ReportViolation, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

interface UnknownValue extends Error {
  /** Path of the value in the resource's properties. */
  readonly props: readonly (string | symbol)[];
}

// The framework exports it, but its type declarations omit it.
const UnknownValueError = Reflect.get(framework, "UnknownValueError") as new (...args: unknown[]) => UnknownValue;

/** Prefix of every message of this kind, so that they can be counted separately. */
export const notEvaluated = "Cannot be evaluated in preview:";

/** Checks if a policy failed because it read a value that is unknown before the update. */
export function isUnknownValue(error: unknown): error is UnknownValue {
  return error instanceof UnknownValueError;
}

/** Reads a value that may be unknown. Returns undefined, without a proxy, if it is. */
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
  urn: string | undefined;
  enforcementLevel: "advisory";
  severity: "low";
}) => void;

/** Reports that a policy could not evaluate a resource. */
function reportUnknown(report: ReportViolation, name: string, error: UnknownValue, urn?: string): void {
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
      if (!isUnknownValue(error)) throw error;
      reportUnknown(report, resource.name, error, resource.urn);
    }
  }
}

/** Returns the same policy, which reports values that are unknown. (The pack's policies are synchronous.) */
export function withUnknownGuard<Policy extends ResourceValidationPolicy | StackValidationPolicy>(
  policy: Policy,
): Policy {
  if ("validateStack" in policy) return policy;
  const validations = [policy.validateResource ?? []].flat().map((validate) => {
    const evaluate: typeof validate = (args, report) => {
      try {
        return validate(args, report);
      } catch (error) {
        if (!isUnknownValue(error)) throw error;
        reportUnknown(report, args.name, error, args.urn);
      }
    };
    // The framework stores the function's type on it, and does not call it for other types.
    return Object.assign(evaluate, validate);
  });
  return { ...policy, validateResource: validations.length === 1 ? validations[0] : validations };
}
