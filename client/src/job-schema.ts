/** Publishes the schema of job records as JSON Schema. `npm run docs` writes it to client/job.schema.json. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { jobRecordSchema } from "./job-record.ts";

/** Returns the content of client/job.schema.json. */
export function jobSchemaText(): string {
  const schema = z.toJSONSchema(jobRecordSchema, { target: "draft-2020-12" });
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(join(import.meta.dirname, "..", "job.schema.json"), jobSchemaText());
}
