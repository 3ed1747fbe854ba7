/** Lets a program change the resources that a component creates. */
import type * as pulumi from "@pulumi/pulumi";

/**
 * Changes one resource of a component: arguments that replace the component's, or a function that changes the arguments and the
 * options in place. The function also gets the logical name of the resource. Arguments may be outputs.
 */
export type Transform<Args> = Partial<Args> | ((args: Args, opts: pulumi.CustomResourceOptions, name: string) => void);

/** Creates a resource of a component, after the transform of its arguments and options if there is one. */
export function create<Args extends object, Resource>(
  Type: new (name: string, args: Args, opts: pulumi.CustomResourceOptions) => Resource,
  transform: Transform<Args> | undefined,
  name: string,
  args: Args,
  opts: pulumi.CustomResourceOptions,
): Resource {
  if (typeof transform !== "function") return new Type(name, { ...args, ...transform }, opts);
  transform(args, opts, name);
  return new Type(name, args, opts);
}

/** Returns a resource's key in the form of logical names: `oldestRequest` as `oldest-request`. */
export function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
