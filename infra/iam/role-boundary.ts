/** The bound that an account may set to what a stack's roles can do. */
import type { RoleArgs } from "@pulumi/aws/iam/index.js";

/** A role's permissions boundary, where there is one. */
export function boundedBy({
  permissionsBoundary,
}: {
  readonly permissionsBoundary?: string | undefined;
}): Pick<RoleArgs, "permissionsBoundary"> {
  return permissionsBoundary === undefined ? {} : { permissionsBoundary };
}
