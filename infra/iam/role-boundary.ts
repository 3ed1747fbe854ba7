/** The permissions boundary that an account may set for a stack's roles. */
import type { RoleArgs } from "@pulumi/aws/iam/index.js";

/** Returns a role's permissions boundary, if there is one. */
export function boundedBy({
  permissionsBoundary,
}: {
  readonly permissionsBoundary?: string | undefined;
}): Pick<RoleArgs, "permissionsBoundary"> {
  return permissionsBoundary === undefined ? {} : { permissionsBoundary };
}
