import { mkdtemp, realpath } from "node:fs/promises";
import { deployStack, useStack } from "./scenarios.ts";
const f = await realpath(await mkdtemp("/tmp/iamrec-"));
await (process.argv[2] === "use" ? useStack : deployStack)(f, console.error, new AbortController().signal);
process.exit(0);
