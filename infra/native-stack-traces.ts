/**
 * Takes back the source maps that Pulumi's runner adds to stack traces. Node strips the types of the program in place, so every line
 * keeps its number. The SDK reads several traces per resource, and mapping them takes a third of the program's CPU time and memory.
 * Sources: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/nodejs/cmd/run/index.ts (the maps) and `sdk/nodejs/runtime/debuggable.ts`.
 */
Reflect.deleteProperty(Error, "prepareStackTrace");
