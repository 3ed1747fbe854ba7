/** Runs a policy on one resource as the pack's server does: the inputs as the engine hands them over, unknown values guarded. */
import * as framework from "@pulumi/policy";
import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";

// The framework exports both and leaves them out of its type declarations.
const unknownCheckingProxy = Reflect.get(framework, "unknownCheckingProxy") as <Props>(props: Props) => Props;
/** Thrown where a policy reads a value that is not known before the update. */
export const UnknownValueError = Reflect.get(framework, "UnknownValueError") as new () => Error;

/** What stands for a string that is not known before the update, in the engine's wire format. */
export const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
/** What stands for a number that is not known before the update. */
export const unknownNumber = "3eeb2bf0-c639-47a8-9e75-3b44932eb421";

/** A resource to judge. */
export interface Judged {
  readonly type: string;
  readonly name: string;
  readonly props: Record<string, unknown>;
}

/**
 * The violations that a policy reports.
 * @param config the policy's own, as a config file has it
 * @throws UnknownValueError if the policy needs a value that is not known yet: the server says so as an advisory
 */
export async function violations(
  policy: ResourceValidationPolicy,
  { type, name, props }: Judged,
  config: object = {},
): Promise<string[]> {
  const found: string[] = [];
  const guarded = unknownCheckingProxy(props);
  class NotApplicable extends Error {}
  const args = {
    type,
    name,
    props: guarded,
    urn: `urn:pulumi:test::async-video-inference::${type}::${name}`,
    opts: {
      protect: false,
      ignoreChanges: [],
      aliases: [],
      customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
      additionalSecretOutputs: [],
    },
    stackTags: new Map<string, string>(),
    isType: (resourceClass: object) => Reflect.get(resourceClass, "__pulumiType") === type,
    asType: () => undefined,
    getConfig: (() => config) as ResourceValidationArgs["getConfig"],
    notApplicable: (reason?: string): never => {
      throw new NotApplicable(reason);
    },
  } satisfies ResourceValidationArgs;
  const validations = [policy.validateResource ?? []].flat();
  for (const validate of validations) {
    try {
      await validate(args, (message) => found.push(message));
    } catch (error) {
      if (!(error instanceof NotApplicable)) throw error;
    }
  }
  return found;
}
