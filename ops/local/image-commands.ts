/** Local commands that stand for container images on the emulator: the setting `emulator:images` of the local stack. */
import { z } from "zod";
import { InvalidInputError } from "../../lib/errors.ts";
import { schemaProblems } from "../../lib/schema-problems.ts";
import { parseSettings } from "../deployment/settings-file.ts";

/** Key of the setting. The program reads no settings of this namespace. */
const key = "emulator:images";

const imagesSchema = z.record(
  z.string().regex(/^[^\s=]+$/, "the URI of a repository or an image"),
  z.string().regex(/\S/, "a command"),
);

/**
 * Returns the emulator's options for the commands that a settings file maps images to.
 * @throws InvalidInputError if the setting or the file is invalid
 */
export async function imageOptions(file: string): Promise<string[]> {
  const value = (await parseSettings(file)).config[key] ?? {};
  const parsed = imagesSchema.safeParse(value);
  if (!parsed.success) {
    throw new InvalidInputError(`${key} in ${file}: ${schemaProblems(value, parsed.error)}.`, {
      hint: "docs/local.md has an example",
    });
  }
  return Object.entries(parsed.data).flatMap(([image, command]) => ["--image", `${image}=${command}`]);
}
