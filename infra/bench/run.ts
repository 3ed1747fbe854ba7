/** Runs the program once against mocks in a separate process and prints the number of registered resources and the peak memory in MiB. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { z } from "zod";

// As in Pulumi, the program and its launcher share one copy of the SDK, and ts-node compiles the required modules.
const require = createRequire(import.meta.url);

interface TsNode {
  register(options: object): unknown;
}

/** Pulumi's internal choice between the project's compilers and those that the SDK bundles. */
interface TsUtils {
  typeScriptRequireStrings(): { tsnodeRequire: string; typescriptRequire: string };
  loadTypeScriptCompilerOptions(tsconfig: string): object;
}

/** Registers ts-node as Pulumi does by default when it starts a CommonJS program (@pulumi/pulumi 3.259, cmd/run/run.js). */
function registerTsNode(): void {
  const tsutils = require("@pulumi/pulumi/tsutils.js") as TsUtils;
  const { tsnodeRequire, typescriptRequire } = tsutils.typeScriptRequireStrings();
  const project = "tsconfig.json";
  const tsNode = require(tsnodeRequire) as TsNode;
  tsNode.register({
    compiler: typescriptRequire,
    project,
    skipProject: !existsSync(project),
    compilerOptions: {
      target: "ES2020",
      module: "nodenext",
      moduleResolution: "nodenext",
      sourceMap: "true",
      ...tsutils.loadTypeScriptCompilerOptions(project),
    },
  });
}

const image = z.object({ repositoryName: z.string(), imageTag: z.string().optional() });

function called(token: string, inputs: unknown): Record<string, unknown> {
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: "123456789012" };
    case "aws:index/getRegion:getRegion":
      return { region: "us-east-1" };
    case "aws:index/getPartition:getPartition":
      return { partition: "aws" };
    case "aws:sagemaker/getPrebuiltEcrImage:getPrebuiltEcrImage": {
      const { repositoryName, imageTag = "latest" } = image.parse(inputs);
      return { registryPath: `763104351884.dkr.ecr.us-east-1.amazonaws.com/${repositoryName}:${imageTag}` };
    }
    default:
      throw new Error(`the program calls ${token}, which has no mock`);
  }
}

const [kind, index, config] = z
  .tuple([z.enum(["native", "ts-node"]), z.string(), z.string()])
  .parse(process.argv.slice(2));
if (kind === "ts-node") registerTsNode();
const pulumi = require("@pulumi/pulumi") as typeof import("@pulumi/pulumi");
const { MockMonitor } = require("@pulumi/pulumi/runtime/mocks.js") as typeof import("@pulumi/pulumi/runtime/mocks.js");
// Mocks report support for hooks, but lack the call that registers one.
const registerHook = (_request: unknown, respond: (error: null, response: object) => void): void => {
  respond(null, {});
};
Reflect.set(MockMonitor.prototype, "registerResourceHook", registerHook);
let resources = 0;
await pulumi.runtime.setMocks(
  {
    newResource({ name, inputs }) {
      resources += 1;
      const made = { arn: `arn:aws:mock:::${name}`, name, bucket: name, keyId: name, url: name };
      return { id: name, state: { ...made, ...(inputs as object) } };
    },
    call: ({ token, inputs }) => called(token, inputs),
  },
  "async-video-inference",
  "prod",
);
pulumi.runtime.setAllConfig(z.record(z.string(), z.string()).parse(JSON.parse(config)));
await pulumi.runtime.runInPulumiStack(async (): Promise<unknown> => {
  return kind === "ts-node" ? (require(index) as unknown) : ((await import(pathToFileURL(index).href)) as unknown);
});
await pulumi.runtime.disconnect();
process.stdout.write(JSON.stringify({ resources, memory: process.resourceUsage().maxRSS / 1024 }));
