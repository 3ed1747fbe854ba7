/** Condition keys of calls to KMS. */
import { accountId, region } from "../../infra/testing/registrations.ts";

/** Returns the condition keys of a key's use, by a service in the caller's name if there is one. */
export function keyContext(encryption: Readonly<Record<string, string>>, service?: string): Record<string, unknown> {
  return {
    ...Object.fromEntries(Object.entries(encryption).map(([name, value]) => [`kms:encryptioncontext:${name}`, value])),
    "kms:encryptioncontextkeys": Object.keys(encryption),
    ...(service === undefined
      ? {}
      : { "kms:viaservice": `${service}.${region}.amazonaws.com`, "kms:calleraccount": accountId }),
  };
}
