/** Defines policies: mandatory by default, with the defaults of their config, and with a report for values that are still unknown. */
import type {
  PolicyConfigSchema,
  ResourceValidation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidation,
  StackValidationPolicy,
} from "@pulumi/policy";
import { reportUnknown } from "./unknown.ts";

/** Each property of a policy's config, with its default. */
type Config = NonNullable<PolicyConfigSchema["properties"]>;

/** The part that policies on a resource and policies on a stack have in common. */
interface Definition {
  readonly name: string;
  readonly description: string;
  /** @default "mandatory" */
  readonly enforcementLevel?: "advisory";
  /** @default no config */
  readonly config?: Config;
}

/** Returns the definition of a property whose value is a list of strings. */
export function stringList(description: string, defaultValue: readonly string[] = []) {
  return { type: "array", items: { type: "string" }, default: defaultValue, description } as const;
}

/**
 * Returns a policy on one resource. (The pack's policies are synchronous.)
 * @returns a policy whose `getConfig` includes the defaults
 */
export function resourcePolicy({
  validate,
  ...definition
}: Definition & { readonly validate: ResourceValidation }): ResourceValidationPolicy {
  const { withDefaults, ...policy } = completed(definition);
  const validateResource: ResourceValidation = (args, report) => {
    try {
      return validate(withDefaults(args), report);
    } catch (error) {
      reportUnknown(error, report, args);
    }
  };
  // The framework stores the function's type on it, and does not call it for other types.
  return { ...policy, validateResource: Object.assign(validateResource, validate) };
}

/**
 * Returns a policy on a whole stack.
 * @returns a policy whose `getConfig` includes the defaults
 */
export function stackPolicy({
  validate,
  ...definition
}: Definition & { readonly validate: StackValidation }): StackValidationPolicy {
  const { withDefaults, ...policy } = completed(definition);
  return { ...policy, validateStack: (args, report) => validate(withDefaults(args), report) };
}

function completed({ config: properties = {}, ...policy }: Definition) {
  const defaults = Object.fromEntries(
    Object.entries(properties).map(([property, { default: value }]) => [property, value]),
  );
  return {
    enforcementLevel: "mandatory" as const,
    ...policy,
    configSchema: { properties },
    withDefaults: <Args extends Pick<ResourceValidationArgs, "getConfig">>(args: Args): Args => ({
      ...args,
      getConfig: () => ({ ...defaults, ...args.getConfig() }),
    }),
  };
}
