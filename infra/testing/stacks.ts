/** The stacks' config files, in the form that Pulumi passes to the program. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** The project's stacks. */
export const stacks = ["dev", "prod", "local"] as const;

const stackFile = z.object({ config: z.record(z.string(), z.unknown()) });

/** Returns the config in Pulumi.<stack>.yaml with another artifact, because the stack's own is not built in tests. */
export function stackConfig(stack: (typeof stacks)[number], artifact: string): Record<string, string> {
  const file = join(import.meta.dirname, "..", "..", `Pulumi.${stack}.yaml`);
  const { config } = stackFile.parse(parse(readFileSync(file, "utf8")));
  const texts = Object.entries(config).map(
    ([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)] as const,
  );
  return { ...Object.fromEntries(texts), "async-video-inference:modelArtifact": artifact };
}
