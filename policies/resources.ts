/** Finds a stack's resources for policies on several of them, and the references between them. */
import type { PolicyResource, ReportViolation, ResourceValidation, ResourceValidationArgs } from "@pulumi/policy";
import type { Unwrap } from "@pulumi/pulumi";
import { ifKnown } from "./unknown.ts";

/**
 * Returns a validation for resources of several types. (With a list of functions, one for each type, the framework would
 * unpack every resource of a stack once for each.)
 */
export function validateTypes(
  types: readonly string[],
  evaluate: (props: never, args: ResourceValidationArgs, report: ReportViolation) => void,
): ResourceValidation {
  const wanted = new Set(types);
  return (args, report) => {
    // Short, because the framework sends it for every other resource.
    if (!wanted.has(args.type)) args.notApplicable("The policy is on other types.");
    evaluate(args.props as never, args, report);
  };
}

/** A resource whose properties have a shape: the inputs of its type, and the values that AWS adds. */
export interface Typed<Args> extends Omit<PolicyResource, "props"> {
  readonly props: Unwrap<NonNullable<Args>> & Outputs;
}

interface Outputs {
  readonly id?: string;
  readonly arn?: string;
}

/** Returns all resources of some types, by their tokens, because a type may have a deprecated twin with the same properties. */
export function ofType<Args>(resources: readonly PolicyResource[], ...types: string[]): Typed<Args>[] {
  return resources.filter(({ type }) => types.includes(type)) as Typed<Args>[];
}

/** A resource, with its dependencies by property if the engine sends them. */
interface Linked {
  readonly urn: string;
  readonly dependencies: readonly Linked[];
  readonly propertyDependencies: Readonly<Record<string, readonly Linked[]>>;
}

/** A property through which resources of one kind name resources of another. */
interface Link<From, To> {
  readonly from: readonly From[];
  readonly property: string;
  /** Returns the property's value; may read unknown values. */
  readonly values: (from: From) => readonly unknown[];
  readonly to: readonly To[];
  /** Return the identifiers of a resource; each may read an unknown value. */
  readonly names: readonly ((to: To) => unknown)[];
}

/**
 * References between resources: by the property's value, or, while a preview does not know the value, by the property's
 * dependencies. Indexed, because a stack may be too large to compare each pair.
 */
export class References<From extends Linked, To extends Linked> {
  readonly #link: Link<From, To>;
  readonly #saying: Groups<From>;
  readonly #made: Groups<From>;
  readonly #named: Groups<To>;
  readonly #byUrn: Groups<To>;
  /** Those whose property depends on no resource, as far as the engine sends dependencies. */
  readonly #plain: ReadonlySet<From>;

  constructor(link: Link<From, To>) {
    this.#link = link;
    this.#saying = new Groups(link.from, link.values);
    this.#made = new Groups(link.from, (from) => this.#madeOf(from));
    this.#named = new Groups(link.to, (to) => link.names.map((name) => name(to)));
    this.#byUrn = new Groups(link.to, ({ urn }) => [urn]);
    this.#plain = new Set(link.from.filter((from) => this.#madeOf(from).length === 0));
  }

  /**
   * Returns all resources that name a resource.
   * @throws the framework's error for unknown values if this is unknown for one of them
   */
  to(to: To): From[] {
    const names = this.#link.names.map((name) => ifKnown(() => name(to)));
    const untold = names.every((name) => name === undefined)
      ? this.#plain
      : this.#saying.unknown.filter((from) => this.#plain.has(from));
    const candidates = new Set([
      ...names.flatMap((name) => (name === undefined ? [] : this.#saying.having(name.value))),
      ...this.#made.having(to.urn),
      ...untold,
    ]);
    return [...candidates].filter((from) => this.#refers(from, to));
  }

  /**
   * Returns the resource that a resource names, if the stack has it.
   * @throws the framework's error for unknown values if this is unknown
   */
  of(from: From): To | undefined {
    const values = ifKnown(() => this.#link.values(from));
    const made = this.#madeOf(from);
    const candidates = [
      ...(values?.value ?? []).flatMap((value) => this.#named.having(value)),
      ...made.flatMap((urn) => this.#byUrn.having(urn)),
      ...(values === undefined && made.length === 0 ? this.#link.to : this.#named.unknown),
    ];
    return candidates.find((to) => this.#refers(from, to));
  }

  #refers(from: From, to: To): boolean {
    const names = (): boolean => {
      const values: readonly unknown[] = this.#link.values(from).filter((value) => value !== undefined);
      return values.length > 0 && this.#link.names.some((name) => values.includes(name(to)));
    };
    const known = ifKnown(names);
    if (known !== undefined) return known.value;
    // An unknown value comes from some resource. If the program declares which one, that decides.
    const made = this.#madeOf(from);
    return made.length > 0 ? made.includes(to.urn) : names();
  }

  #madeOf(from: From): string[] {
    return (from.propertyDependencies[this.#link.property] ?? []).map(({ urn }) => urn);
  }
}

/** Resources by their values. */
class Groups<Resource> {
  readonly #known = new Map<unknown, Resource[]>();
  /** Those with at least one unknown value. */
  readonly unknown: Resource[] = [];

  constructor(resources: readonly Resource[], valuesOf: (resource: Resource) => readonly unknown[]) {
    for (const resource of resources) {
      const values = ifKnown(() => valuesOf(resource));
      if (values === undefined) this.unknown.push(resource);
      for (const value of new Set(values?.value)) {
        const same = this.#known.get(value);
        if (same === undefined) this.#known.set(value, [resource]);
        else same.push(resource);
      }
    }
  }

  having(value: unknown): readonly Resource[] {
    return value === undefined ? [] : (this.#known.get(value) ?? []);
  }
}

/** Checks if one resource is created after another, because it depends on it, directly or indirectly. */
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
