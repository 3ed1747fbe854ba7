/** The stack's name, and the start of its resources' names, which follows from it. */

/** Names that a stack may have. With at most 20 characters, no resource's name exceeds a limit of AWS (`resource-names.test.ts`). */
export const stackName = /^[a-z][a-z0-9-]{0,19}$/;

/** {@link stackName} in words. */
export const allowedStackName = "1 to 20 lowercase letters, digits and hyphens, and start with a letter";

/**
 * Start of the logical names of a stack's resources, and so of their names at AWS. The roles that deploy a stack may touch only names that
 * start with it and a hyphen (`infra/bootstrap/`).
 */
export function resourcePrefix(stack: string): string {
  return `video-${stack}`;
}
