/** Reads and checks the provider's configuration. */
import { z } from "zod";
import type { Failure } from "./resource.ts";
import { serviceNames } from "./clients.ts";
import type { ServiceName } from "./clients.ts";
import type { TagRules } from "./tags.ts";
import { unknown } from "./values.ts";
import type { Values } from "./values.ts";

/** The provider's configuration, read. */
export interface ProviderConfig {
  readonly region: string | undefined;
  readonly allowedAccountIds: readonly string[];
  readonly forbiddenAccountIds: readonly string[];
  readonly tags: TagRules;
  readonly endpoints: Readonly<Partial<Record<ServiceName, string>>>;
  readonly pathStyle: boolean;
  readonly retries: number | undefined;
  readonly accessKey: string | undefined;
  readonly secretKey: string | undefined;
  readonly token: string | undefined;
}

/**
 * Makes the schema of a value in JSON text: the bridge of the official provider passes everything except texts as JSON.
 */
function jsonText<T>(schema: z.ZodType<T>) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: "must be JSON text" });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

const accounts = jsonText(z.array(z.string().regex(/^\d{12}$/, "must be an account id of 12 digits")));
const texts = z.record(z.string(), z.string());

const schema = z
  .strictObject({
    region: z.string().min(1),
    allowedAccountIds: accounts,
    forbiddenAccountIds: accounts,
    defaultTags: jsonText(z.strictObject({ tags: texts.optional() })),
    ignoreTags: jsonText(
      z.strictObject({ keys: z.array(z.string()).optional(), keyPrefixes: z.array(z.string()).optional() }),
    ),
    endpoints: jsonText(z.array(z.partialRecord(z.enum(serviceNames), z.url()))),
    s3UsePathStyle: jsonText(z.boolean()),
    maxRetries: jsonText(z.number().int().min(0)),
    accessKey: z.string(),
    secretKey: z.string(),
    token: z.string(),
    // Checks of the official provider that have no counterpart here.
    skipCredentialsValidation: jsonText(z.boolean()),
    skipMetadataApiCheck: jsonText(z.boolean()),
    skipRegionValidation: jsonText(z.boolean()),
    skipRequestingAccountId: jsonText(z.boolean()),
  })
  .partial();

/** Keys that the engine adds. */
const engineKeys = new Set(["version", "pluginDownloadURL", "__internal", "__defaults"]);

/** Returns the problems of the configuration; unknowns are skipped. */
export function checkConfig(values: Values): Failure[] {
  const result = schema.safeParse(known(values));
  return (result.error?.issues ?? []).flatMap((issue): Failure[] => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        property: String([...issue.path, key][0]),
        reason: `"aws:${[...issue.path, key].join(".")}" is not a setting of the emulator's provider: remove it from this stack's config; known settings are ${Object.keys(schema.shape).join(", ")}`,
      }));
    }
    return [{ property: String(issue.path[0] ?? ""), reason: `"aws:${issue.path.join(".")}": ${issue.message}` }];
  });
}

/** Reads a configuration that `checkConfig` has accepted. Throws ZodError for others. */
export function readConfig(values: Values): ProviderConfig {
  const read = schema.parse(known(values));
  const endpoints: Partial<Record<ServiceName, string>> = {};
  for (const group of read.endpoints ?? []) Object.assign(endpoints, group);
  return {
    region: read.region,
    allowedAccountIds: read.allowedAccountIds ?? [],
    forbiddenAccountIds: read.forbiddenAccountIds ?? [],
    tags: {
      defaults: read.defaultTags?.tags ?? {},
      ignoredKeys: read.ignoreTags?.keys ?? [],
      ignoredPrefixes: read.ignoreTags?.keyPrefixes ?? [],
    },
    endpoints,
    pathStyle: read.s3UsePathStyle ?? true,
    retries: read.maxRetries,
    accessKey: read.accessKey,
    secretKey: read.secretKey,
    token: read.token,
  };
}

function known(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).filter(([key, value]) => !engineKeys.has(key) && value !== unknown && value !== null),
  );
}
