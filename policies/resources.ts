/** Finds a stack's resources for policies about several of them, and tells which refers to which. */
import type { PolicyResource, ReportViolation, ResourceValidation, ResourceValidationArgs } from "@pulumi/policy";
import type { Unwrap } from "@pulumi/pulumi";
import { ifKnown } from "./unknown.ts";

/**
 * Judges the resources of several types by one function. (A list of functions, one for each type, would have the framework
 * unpack every resource of a stack once for each.)
 */
export function validateTypes(
  types: readonly string[],
  judge: (props: never, args: ResourceValidationArgs, report: ReportViolation) => void,
): ResourceValidation {
  return (args, report) => {
    if (!types.includes(args.type)) args.notApplicable(`Policy only applies to ${types.join(", ")}`);
    judge(args.props as never, args, report);
  };
}

/** A resource whose properties have a shape: the inputs of its type, and what AWS adds. */
export interface Typed<Args> extends Omit<PolicyResource, "props"> {
  readonly props: Unwrap<NonNullable<Args>> & Outputs;
}

interface Outputs {
  readonly id?: string;
  readonly arn?: string;
}

/** All of some types. By their tokens, because a type may have a deprecated twin with the same properties. */
export function ofType<Args>(resources: readonly PolicyResource[], ...types: string[]): Typed<Args>[] {
  return resources.filter(({ type }) => types.includes(type)) as Typed<Args>[];
}

type Linked = Pick<PolicyResource, "urn" | "dependencies" | "propertyDependencies">;

/**
 * Whether a property of one resource names another: by its value, or, while a preview does not know the value, by what the
 * program made the property of.
 * @param names reads the property and says whether it names the other; may meet unknown values
 * @throws the framework's error for unknown values if neither can be told
 */
export function refersTo(from: Linked, property: string, to: Linked, names: () => boolean): boolean {
  const known = ifKnown(names);
  if (known !== undefined) return known.value;
  const madeOf = from.propertyDependencies[property];
  // An unknown value comes from some resource: if the program says from which, that settles it.
  if (madeOf !== undefined && madeOf.length > 0) return madeOf.some(({ urn }) => urn === to.urn);
  return names();
}

/** Resources by the value of a property, for stacks that are too large to compare each with each. */
export class Index<Resource> {
  private readonly known = new Map<unknown, Resource[]>();
  private readonly unknown: Resource[] = [];

  constructor(resources: readonly Resource[], valueOf: (resource: Resource) => unknown) {
    for (const resource of resources) {
      const value = ifKnown(() => valueOf(resource));
      if (value === undefined) {
        this.unknown.push(resource);
        continue;
      }
      const same = this.known.get(value.value);
      if (same === undefined) this.known.set(value.value, [resource]);
      else same.push(resource);
    }
  }

  /** Those that may have one of some values: that have it, and whose value is not known. All, if no value is known. */
  candidates(...reads: (() => unknown)[]): Resource[] {
    const values = reads.map((read) => ifKnown(read));
    if (values.every((value) => value === undefined)) return [...this.known.values(), this.unknown].flat();
    const having = new Set(values.flatMap((value) => this.known.get(value?.value) ?? []));
    return [...having, ...this.unknown];
  }
}

/** Whether one resource is created after another, because it depends on it, directly or not. */
export function comesAfter(later: Linked, earlier: Linked): boolean {
  const seen = new Set<string>();
  const waiting: Linked[] = [later];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const dependency of [...next.dependencies, ...Object.values(next.propertyDependencies).flat()]) {
      if (dependency.urn === earlier.urn) return true;
      if (seen.has(dependency.urn)) continue;
      seen.add(dependency.urn);
      waiting.push(dependency);
    }
  }
  return false;
}
