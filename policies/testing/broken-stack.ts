/** A stack in which tests break one thing. */
import { urnOf } from "./evaluate.ts";
import type { TestResource } from "./evaluate.ts";

/** A stack whose resources may be changed, removed and added to. */
export class BrokenStack {
  readonly resources: TestResource[];

  constructor(resources: readonly TestResource[]) {
    this.resources = structuredClone([...resources]);
  }

  /** Returns one resource of a type for which `wanted` returns true. */
  one(type: string, pick: number, wanted: (resource: TestResource) => boolean = () => true): TestResource {
    const all = this.resources.filter((resource) => resource.type === type && wanted(resource));
    const found = all[pick % all.length];
    if (found === undefined) throw new Error(`the program has no ${type} to break`);
    return found;
  }

  /** Adds a resource of the same Pulumi stack as the others. */
  add(resource: TestResource): TestResource {
    const { stack = "test" } = this.resources[0] ?? {};
    const added = { ...resource, stack };
    this.resources.push(added);
    return added;
  }

  /** Removes a resource. */
  remove(resource: TestResource): void {
    this.resources.splice(this.resources.indexOf(resource), 1);
  }

  /** Replaces a resource. */
  replace(resource: TestResource, changed: TestResource): TestResource {
    this.resources.splice(this.resources.indexOf(resource), 1, changed);
    return changed;
  }

  /** Returns the resource of a type that a resource's property depends on. */
  madeOf(resource: TestResource, property: string, type: string): TestResource {
    const urns = resource.dependsOn?.[property] ?? [];
    const found = this.resources.find((each) => each.type === type && urns.includes(urnOf(each)));
    if (found === undefined) throw new Error(`${property} of ${resource.name} depends on no ${type}`);
    return found;
  }
}

/** Sets a value at a path of properties. */
export function set(resource: TestResource, path: string, value: unknown): TestResource {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let at: Record<string, unknown> = resource.props;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = value;
  return resource;
}
