/** The policy on the trust policies of roles. */
import { Role } from "@pulumi/aws/iam/role.js";
import { validateResourceOfType } from "@pulumi/policy";
import { limitsSource, namesSubjects } from "./conditions.ts";
import { allowing } from "./documents.ts";
import { resourcePolicy, stringList } from "./policy.ts";

/** Only intended principals may assume a role. */
export const trustedPrincipals = resourcePolicy({
  name: "trusted-principals",
  description:
    "Only AWS services acting for this account, and principals in the config, may assume a role; from an identity provider, only named subjects. Anyone else could act with its permissions.",
  config: {
    principals: stringList(
      "ARNs of principals, or of identity providers, that roles may trust in addition to services.",
    ),
  },
  validate: validateResourceOfType(Role, (role, args, reportViolation) => {
    const { principals: allowed } = args.getConfig<{ principals: string[] }>();
    for (const { statement, where } of allowing(
      role.assumeRolePolicy,
      "assumeRolePolicy",
      args.name,
      reportViolation,
    )) {
      if (statement.NotPrincipal !== undefined) {
        reportViolation(`${where} trusts everyone except a list. Set Principal instead of NotPrincipal.`);
      }
      const { Service = [], Federated = [], ...others } = statement.Principal ?? {};
      if (Service.length > 0 && !limitsSource(statement)) {
        reportViolation(
          `${where} trusts ${Service.join(", ")} acting for any account. ` +
            `Set Condition to StringEqualsIfExists aws:SourceAccount, this account's number.`,
        );
      }
      for (const principal of [...Object.values(others).flat(), ...Federated]) {
        if (allowed.includes(principal)) continue;
        reportViolation(
          `${where} trusts ${principal}. Remove it. If it is intended, as another account's root ` +
            `(arn:aws:iam::ACCOUNT:root) may be, add it to principals in the policy's config.`,
        );
      }
      for (const provider of Federated) {
        if (!allowed.includes(provider) || namesSubjects(statement, provider)) continue;
        reportViolation(
          `${where} trusts every identity of ${provider}. ` +
            `Set Condition to StringEquals on the provider's sub, with each subject in full.`,
        );
      }
    }
  }),
});
