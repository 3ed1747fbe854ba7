/** The same program as Pulumi's own template would write it: CommonJS, `import * as aws`, compiled by ts-node with its type check. */
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

const projectRoot = resolve(import.meta.dirname, "..", "..");

/** The compiler options that `pulumi new aws-typescript` writes. */
const tsconfig = {
  compilerOptions: {
    strict: true,
    outDir: "bin",
    target: "es2020",
    module: "nodenext",
    moduleResolution: "nodenext",
    sourceMap: true,
    experimentalDecorators: true,
    pretty: true,
    noFallthroughCasesInSwitch: true,
    noImplicitReturns: true,
    forceConsistentCasingInFileNames: true,
    // The template sets no lib, so TypeScript uses the library of the target. This program needs a later one.
    lib: ["es2024"],
    types: ["node"],
  },
  files: ["index.ts"],
};

/** Writes the program into a folder, ready for ts-node, and returns its entry point. */
export async function writeDefaultProgram(folder: string): Promise<string> {
  for (const part of ["", "components", "iam", "update-hooks"]) {
    const source = join(projectRoot, "infra", part);
    await mkdir(join(folder, part));
    for (const file of await readdir(source)) {
      if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
      await writeFile(join(folder, part, file), asTemplate(await readFile(join(source, file), "utf8")));
    }
  }
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "default-program", main: "index.ts" }));
  await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  return join(folder, "index.ts");
}

/** Rewrites a source file's imports and globals for a CommonJS program that imports the whole of @pulumi/aws. */
export function asTemplate(source: string): string {
  const aliases: string[] = [];
  const body = source
    .replaceAll(/^import (?:type )?\* as (\w+) from "@pulumi\/aws\/(\w+)\/index\.js";\n/gm, (_, name, module) => {
      aliases.push(`import ${String(name)} = aws.${String(module)};`);
      return "";
    })
    .replaceAll(
      /^import (?:type )?\{([^}]*)\} from "@pulumi\/aws\/(?:(\w+)\/index|\w+)\.js";\n/gm,
      (_, names, module) => {
        for (const name of String(names).split(",")) {
          const from = module === undefined ? "aws" : `aws.${String(module)}`;
          aliases.push(`import ${name.trim()} = ${from}.${name.trim()};`);
        }
        return "";
      },
    )
    // The traces of a compiled program need its source maps.
    .replaceAll('import "./native-stack-traces.ts";\n', "")
    .replaceAll(/from "(\.[^"]*)\.ts"/g, 'from "$1"')
    .replaceAll("import.meta.dirname", "__dirname");
  return aliases.length === 0 ? body : `import * as aws from "@pulumi/aws";\n${aliases.join("\n")}\n${body}`;
}
