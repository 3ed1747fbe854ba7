/** Runs policies on resources like the pack's server: with the engine's properties and the proxy for unknown values. */
import * as framework from "@pulumi/policy";
import type {
  PolicyResource,
  ReportViolation,
  ResourceValidationArgs,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";
import { notEvaluated } from "../unknown.ts";

// The framework exports it, but its type declarations omit it.
const unknownCheckingProxy = Reflect.get(framework, "unknownCheckingProxy") as <Props>(props: Props) => Props;

/** Placeholder for an unknown string in the engine's wire format. */
export const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** Placeholder for an unknown number. */
export const unknownNumber = "3eeb2bf0-c639-47a8-9e75-3b44932eb421";

/** A resource to evaluate. */
export interface TestResource {
  readonly type: string;
  readonly name: string;
  readonly props: Record<string, unknown>;
  /** The stack's name. @default "test" */
  readonly stack?: string;
  readonly protect?: boolean;
  /** True for a component, which no provider creates. @default false */
  readonly component?: boolean;
  /** URNs by property of all its dependencies. @default none */
  readonly dependsOn?: Readonly<Record<string, readonly string[]>>;
}

/** A policy's report. */
export interface Report {
  readonly policy: string;
  readonly message: string;
  readonly urn: string | undefined;
  /** True if it only reports that it cannot be evaluated yet. */
  readonly unknown: boolean;
}

/** Reads the policies' config from the form of a config file. */
export type PackConfig = Readonly<Record<string, object>>;

class NotApplicable extends Error {}

const options = {
  ignoreChanges: [],
  aliases: [],
  customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
  additionalSecretOutputs: [],
};

/** Returns a resource's URN. */
export function urnOf({ type, name, stack = "test" }: TestResource): string {
  return `urn:pulumi:${stack}::async-video-inference::${type}::${name}`;
}

/** The engine sends no provider for a component, for the stack, and for a provider. */
function providerOf({ type, stack = "test", component = false }: TestResource) {
  const [owner = ""] = type.split(":");
  if (component || /^pulumi:(pulumi|providers):/.test(type)) return {};
  const provider = { type: `pulumi:providers:${owner}`, name: "default", stack, props: {} };
  return { provider: { ...provider, urn: urnOf(provider) } };
}

function seen(resource: TestResource) {
  const { type, name, props, protect = false } = resource;
  return {
    ...providerOf(resource),
    type,
    name,
    props: unknownCheckingProxy(props),
    urn: urnOf(resource),
    opts: { ...options, protect },
    isType: (resourceClass: object) => Reflect.get(resourceClass, "__pulumiType") === type,
    asType: () => undefined,
  };
}

function stackOf(resources: readonly TestResource[]): PolicyResource[] {
  const stack = resources.map((resource): PolicyResource => ({
    ...seen(resource),
    dependencies: [],
    propertyDependencies: {},
  }));
  const byUrn = new Map(stack.map((resource) => [resource.urn, resource]));
  const resolved = (urns: readonly string[]): PolicyResource[] =>
    urns.map((urn) => byUrn.get(urn)).filter((resource) => resource !== undefined);
  for (const [index, { dependsOn = {} }] of resources.entries()) {
    const resource = stack[index];
    if (resource === undefined) continue;
    for (const [property, urns] of Object.entries(dependsOn)) resource.propertyDependencies[property] = resolved(urns);
    resource.dependencies = resolved(Object.values(dependsOn).flat());
  }
  return stack;
}

/** Returns the policies' reports on resources, which form a stack. */
export async function reports(
  policies: readonly (ResourceValidationPolicy | StackValidationPolicy)[],
  resources: readonly TestResource[],
  config: PackConfig = {},
): Promise<Report[]> {
  const found: Report[] = [];
  const stack = stackOf(resources);
  for (const policy of policies) {
    const common = {
      stackTags: new Map<string, string>(),
      getConfig: (() => config[policy.name] ?? {}) as ResourceValidationArgs["getConfig"],
      notApplicable: (reason?: string): never => {
        throw new NotApplicable(reason);
      },
    };
    if ("validateStack" in policy) {
      await applicable(() => policy.validateStack({ ...common, resources: stack }, reporter(policy.name, found)));
      continue;
    }
    for (const resource of resources) {
      const args: ResourceValidationArgs = { ...common, ...seen(resource) };
      for (const validate of [policy.validateResource ?? []].flat()) {
        await applicable(() => validate(args, reporter(policy.name, found, args.urn)));
      }
    }
  }
  return found;
}

async function applicable(validate: () => void | Promise<void>): Promise<void> {
  try {
    await validate();
  } catch (error) {
    if (!(error instanceof NotApplicable)) throw error;
  }
}

/** Accepts a violation in both forms that the server accepts. */
function reporter(policy: string, found: Report[], ofResource?: string): ReportViolation {
  return (violation: string | { readonly message: string; readonly urn?: string }, urn?: string) => {
    const said = typeof violation === "string" ? { message: violation, urn } : violation;
    const { message } = said;
    found.push({ policy, message, urn: said.urn ?? ofResource, unknown: message.startsWith(notEvaluated) });
  };
}

/** Returns the violations that a policy reports for a resource or a stack, without reports that it cannot be evaluated. */
export async function violations(
  policy: ResourceValidationPolicy | StackValidationPolicy,
  resource: TestResource | readonly TestResource[],
  config: object = {},
): Promise<string[]> {
  const found = await reports([policy], [resource].flat(), { [policy.name]: config });
  return found.filter(({ unknown }) => !unknown).map(({ message }) => message);
}
