/** Caches compiled modules of a process and its children on disk. Load it first: `node --import ./tools/compile-cache.mjs`. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { localFolder } from "./paths.mjs";

const { directory } = enableCompileCache(join(localFolder, "compile-cache"));
// Children in other folders use the same cache. Node's key for an entry is its version and the file's content.
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= join(localFolder, "compile-cache");
