/** The program's registrations under Pulumi's mocks, and the policies of its roles. */
import { statements } from "../../testing/documents.ts";
import type { Statement } from "../../testing/documents.ts";
import { registrationsOf } from "../../testing/registrations.ts";
import type { Registrations } from "../../testing/registrations.ts";

/** Number of imports of index.ts so far: Node evaluates a module once for each URL. */
let imports = 0;

/** Runs the program with these settings in addition to the repository's name. */
export async function bootstrap(config: Readonly<Record<string, string>> = {}) {
  const full = Object.entries({ repository: "team/videos", ...config }).map(([key, value]) => [
    `async-video-bootstrap:${key}`,
    value,
  ]);
  imports += 1;
  const address = `../index.ts?run=${imports}`;
  return await registrationsOf(() => import(address), {
    project: "async-video-bootstrap",
    config: Object.fromEntries(full) as Record<string, string>,
  });
}

/** Returns the documents of a role's managed policies. */
export function policiesOf(registrations: Registrations, roleName: string): unknown[] {
  return registrations
    .ofType("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    .filter(({ inputs }) => inputs["role"] === `${roleName}-0a1b2c3`)
    .map(({ inputs }) => String(inputs["policyArn"]).split(":").at(-1)?.replace("-0a1b2c3", ""))
    .map((name) => registrations.one("aws:iam/policy:Policy", name).inputs["policy"]);
}

/** Returns the document of the permissions boundary of an environment's stack roles. */
export function boundaryOf(registrations: Registrations, environment: string): unknown {
  return registrations.one("aws:iam/policy:Policy", `async-video-${environment}-boundary`).inputs["policy"];
}

/** Returns the statements of all policies of a role. */
export function allowed(registrations: Registrations, roleName: string): Statement[] {
  return policiesOf(registrations, roleName).flatMap(statements);
}
