/** URNs of registrations, as the engine compares them with a state, without stack and project: `PARENT_TYPE$TYPE::NAME`. */
import type { Registration, Registrations } from "./registrations.ts";

const stackType = "pulumi:pulumi:Stack";

/** Returns the types of a registration's parents, from the outermost, and its own. The mocks' URN has only the last parent's. */
function qualifiedType(registrations: Registrations, { type, parent }: Registration): string {
  const component = parent === "" ? undefined : registrations.at(parent);
  if (component === undefined || component.type === stackType) return type;
  return `${qualifiedType(registrations, component)}$${type}`;
}

/** Returns the URN of every resource of a stack. */
export function urnsOf(registrations: Registrations): string[] {
  return registrations.all
    .filter(({ type }) => type !== stackType)
    .map((each) => `${qualifiedType(registrations, each)}::${each.name}`);
}

/**
 * Returns every URN that is an alias: those of components, and those that their children inherit. A child's own aliases are not read. The rule is the engine's
 * (pulumi/pulumi pkg/resource/deploy/step_generator.go, inheritedChildAlias).
 * @throws Error if a child's name does not start with its component's
 */
export function aliasesOf(registrations: Registrations): string[] {
  return registrations.all
    .filter(({ type }) => type !== stackType)
    .flatMap((each) => {
      const { parent, aliases } = each;
      const component = parent === "" ? undefined : registrations.at(parent);
      const names = component === undefined || component.type === stackType ? aliases : inherited(each, component);
      return names.map((alias) => `${qualifiedType(registrations, each)}::${alias}`);
    });
}

function inherited({ type, name }: Registration, component: Registration): string[] {
  if (!name.startsWith(component.name)) throw new Error(`${type} ${name} is a child of ${component.name}`);
  return component.aliases.map((alias) => `${alias}${name.slice(component.name.length)}`);
}
