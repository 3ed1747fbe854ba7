/** The commands that follow a submission, as the user types them into a shell. */
import { shellQuoted } from "../src/format.ts";

/** Names the commands that show the jobs of a journal and fetch their results. */
export function followUp(journal: string): string {
  const file = shellQuoted(journal);
  return `follow them: npm run status -- ${file}; then get the results: npm run fetch -- ${file}`;
}
