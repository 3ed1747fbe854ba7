/** Lets a program change the resources that a component creates. */
import type * as pulumi from "@pulumi/pulumi";

/**
 * Changes one resource of a component: arguments that replace the component's, or a function that changes the arguments and the
 * options in place. The function also gets the logical name of the resource. Arguments may be outputs.
 */
export type Transform<Args> = Partial<Args> | ((args: Args, opts: pulumi.CustomResourceOptions, name: string) => void);

/** Returns the arguments of a resource's constructor, after the transform if there is one. */
export function transformed<Args extends object>(
  transform: Transform<Args> | undefined,
  name: string,
  args: Args,
  opts: pulumi.CustomResourceOptions,
): [name: string, args: Args, opts: pulumi.CustomResourceOptions] {
  if (typeof transform !== "function") return [name, { ...args, ...transform }, opts];
  transform(args, opts, name);
  return [name, args, opts];
}
