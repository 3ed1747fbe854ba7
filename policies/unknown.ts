/** What a policy says of a value that a preview does not know: not a pass and not a violation, but an advisory of its own kind. */
import * as framework from "@pulumi/policy";
import type { ReportViolation, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

interface UnknownValue extends Error {
  /** Where in the resource's properties the value is. */
  readonly props: readonly (string | symbol)[];
}

// The framework exports it and leaves it out of its type declarations.
const UnknownValueError = Reflect.get(framework, "UnknownValueError") as new (...args: unknown[]) => UnknownValue;

/** What every message of this kind starts with, so that they can be counted apart. */
export const notEvaluated = "Cannot be evaluated in preview:";

/** Whether a policy failed because it read a value that is not known before the update. */
export function isUnknownValue(error: unknown): error is UnknownValue {
  return error instanceof UnknownValueError;
}

/** Reads a value that may not be known yet. Returns undefined, without a wrapper, if it is not. */
export function ifKnown<T>(read: () => T): { readonly value: T } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (isUnknownValue(error)) return undefined;
    throw error;
  }
}

/** How a violation is reported at a level of its own; the server takes it and the framework's types leave it out. */
type ReportAtLevel = (violation: {
  message: string;
  urn: string | undefined;
  enforcementLevel: "advisory";
  severity: "low";
}) => void;

/** Says that a policy could not judge a resource. */
function reportUnknown(report: ReportViolation, name: string, error: UnknownValue, urn?: string): void {
  (report as unknown as ReportAtLevel)({
    message:
      `${notEvaluated} '${name}' has no value yet for ${error.props.join(".")}; ` +
      `the update checks it, before it creates the resource where the rule is about one resource alone.`,
    urn,
    enforcementLevel: "advisory",
    severity: "low",
  });
}

/** Judges each of a stack's resources by itself: that one is not checkable yet keeps none of the others from being evaluated. */
export function judgeEach<Resource extends { readonly name: string; readonly urn: string }>(
  resources: readonly Resource[],
  report: ReportViolation,
  judge: (resource: Resource) => void,
): void {
  for (const resource of resources) {
    try {
      judge(resource);
    } catch (error) {
      if (!isUnknownValue(error)) throw error;
      reportUnknown(report, resource.name, error, resource.urn);
    }
  }
}

/** The same policy, which says of itself what it cannot check yet. (The pack's policies wait for nothing.) */
export function withUnknownGuard<Policy extends ResourceValidationPolicy | StackValidationPolicy>(
  policy: Policy,
): Policy {
  if ("validateStack" in policy) return policy;
  const validations = [policy.validateResource ?? []].flat().map((validate) => {
    const judge: typeof validate = (args, report) => {
      try {
        return validate(args, report);
      } catch (error) {
        if (!isUnknownValue(error)) throw error;
        reportUnknown(report, args.name, error, args.urn);
      }
    };
    // The framework notes on the function which type it is about, and spares it the others.
    return Object.assign(judge, validate);
  });
  return { ...policy, validateResource: validations.length === 1 ? validations[0] : validations };
}
