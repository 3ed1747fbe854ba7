/** The option --journal under its old name, --manifest. */
import { Option } from "@commander-js/extra-typings";
import type { CommandContext } from "../../lib/command-line.ts";

/** Makes the option --manifest, which the help does not list. */
export function manifestOption() {
  return new Option("--manifest <file>", "old name of --journal").hideHelp().conflicts("journal");
}

/** Returns the value of --journal or --manifest; prints a notice for the old name. */
export function journalOf(
  { journal, manifest }: { readonly journal?: string | undefined; readonly manifest?: string | undefined },
  { stderr }: Pick<CommandContext, "stderr">,
): string | undefined {
  if (manifest !== undefined) stderr.write("note: --manifest is the old name of --journal. Use --journal.\n");
  return journal ?? manifest;
}
