/** The policy about who may take a role. */
import { Role } from "@pulumi/aws/iam/role.js";
import { type ResourceValidationPolicy, validateResourceOfType } from "@pulumi/policy";
import { limitsSource, namesSubjects } from "./conditions.ts";
import { documentRemedy, label, statementsOf } from "./documents.ts";

/** A role is taken only by those whom it is meant for. */
export const trustedPrincipals: ResourceValidationPolicy = {
  name: "trusted-principals",
  description:
    "A role is taken by AWS services acting for this account, and by principals that the config names, from an identity provider by named subjects: anyone else could work in its name.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      principals: {
        type: "array",
        items: { type: "string" },
        default: [],
        description: "ARNs of principals, or of identity providers, that roles may trust in addition to services.",
      },
    },
  },
  validateResource: validateResourceOfType(Role, (role, args, reportViolation) => {
    const { principals: allowed = [] } = args.getConfig<{ principals?: string[] }>();
    const statements = statementsOf(role.assumeRolePolicy);
    if (statements === undefined) {
      reportViolation(
        `The role '${args.name}' has no policy document in assumeRolePolicy that can be read. ${documentRemedy}`,
      );
      return;
    }
    for (const [index, statement] of statements.entries()) {
      if (statement.Effect !== "Allow") continue;
      const where = `In assumeRolePolicy of the role '${args.name}', ${label(statement, index)}`;
      if (statement.NotPrincipal !== undefined) {
        reportViolation(`${where} trusts all but some. Set Principal instead of NotPrincipal.`);
      }
      const { Service = [], Federated = [], ...others } = statement.Principal ?? {};
      if (Service.length > 0 && !limitsSource(statement)) {
        reportViolation(
          `${where} trusts ${Service.join(", ")} for whichever account it acts. ` +
            `Set Condition to StringEqualsIfExists aws:SourceAccount, this account's number.`,
        );
      }
      for (const principal of [...Object.values(others).flat(), ...Federated]) {
        if (allowed.includes(principal)) continue;
        reportViolation(
          `${where} trusts ${principal}. Remove it. If it is meant, as another account's root ` +
            `(arn:aws:iam::ACCOUNT:root) may be, add it to principals in the policy's config.`,
        );
      }
      for (const provider of Federated) {
        if (!allowed.includes(provider) || namesSubjects(statement, provider)) continue;
        reportViolation(
          `${where} trusts everyone whom ${provider} knows. ` +
            `Set Condition to StringEquals on the provider's sub, with each subject in full.`,
        );
      }
    }
  }),
};
