/** Reads and checks the provider's configuration. */
import { z } from "zod";
import type { Failure } from "./resource.ts";
import type { TagRules } from "./tags.ts";
import { unknown } from "./values.ts";
import type { Values } from "./values.ts";

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

const schema = z.strictObject({
  region: z.string().min(1).optional(),
  allowedAccountIds: accounts.default([]),
  forbiddenAccountIds: accounts.default([]),
  defaultTags: jsonText(z.strictObject({ tags: texts.optional() })).optional(),
  ignoreTags: jsonText(
    z.strictObject({ keys: z.array(z.string()).optional(), keyPrefixes: z.array(z.string()).optional() }),
  ).optional(),
});

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

/** The provider's configuration, read. */
export type ProviderConfig = ReturnType<typeof readConfig>;

/** Reads a configuration that `checkConfig` has accepted. */
export function readConfig(values: Values) {
  const { defaultTags, ignoreTags, ...config } = schema.parse(known(values));
  const tags: TagRules = {
    defaults: defaultTags?.tags ?? {},
    ignoredKeys: ignoreTags?.keys ?? [],
    ignoredPrefixes: ignoreTags?.keyPrefixes ?? [],
  };
  return { ...config, tags };
}

function known(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).filter(([key, value]) => !engineKeys.has(key) && value !== unknown && value !== null),
  );
}
