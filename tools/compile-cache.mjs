/** Loaded before a command (`node --import ./tools/compile-cache.mjs`): keeps compiled modules of this process and its children. */
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { localFolder } from "./paths.mjs";

const { directory } = enableCompileCache(join(localFolder, "compile-cache"));
// Children in other folders use the same cache. Node keys it by its version and each file's content.
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] ??= join(localFolder, "compile-cache");
