/** The stack's name, and the prefix of its resources' names, which is derived from it. */

/** Pattern of valid stack names. With at most 20 characters, no resource's name exceeds a limit of AWS (`resource-names.test.ts`). */
export const stackName = /^[a-z][a-z0-9-]{0,19}$/;

/** Description of {@link stackName}. */
export const allowedStackName = "1 to 20 lowercase letters, digits and hyphens, and start with a letter";

/**
 * Returns the prefix of the logical names of a stack's resources, and so of their names in AWS. The roles that deploy a stack may change only
 * resources whose names start with it and a hyphen (`infra/bootstrap/`).
 */
export function resourcePrefix(stack: string): string {
  return `video-${stack}`;
}
