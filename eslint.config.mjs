import { defineConfig } from "eslint/config";
import jsdoc from "eslint-plugin-jsdoc";
import tseslint from "typescript-eslint";

/** The top-level folders with code. */
const modules = ["client", "e2e", "emulator", "infra", "lib", "model", "ops", "planner", "policies", "smoke", "tools"];

/**
 * The modules that a folder may not import, apart from itself: the table in docs/architecture.md. Only `e2e/` may import every
 * module, and no module imports `e2e/`. An entry "a/(?!b/)" is all of `a` except `a/b`.
 * @type {Record<string, string[]>}
 */
const forbidden = {
  client: except("lib", "policies"),
  "client/src": [...except("lib"), "cli"],
  emulator: except("lib", "tools"),
  "emulator/core": [...except(), "gateway", "model-server", "processes", "provider", "services", "wire"],
  infra: except(),
  lib: [...except("tools"), "tools/(?!(folders|lock)\\.mjs$)"],
  ops: [...except("client", "emulator", "infra", "lib", "planner", "policies", "tools"), "emulator/(?!provider/)"],
  planner: [
    ...except("emulator", "infra", "lib", "policies"),
    "emulator/(?!core/)",
    // Pure functions from settings to policies and alarms, and the types of settings.
    "infra/(?!(config|scaling|scaling-types)\\.ts$)",
    "policies/(?!instance-types\\.ts$)",
  ],
  policies: except(),
  smoke: except("client", "lib"),
  tools: except(),
};

/**
 * All modules except these.
 * @param {string[]} allowed
 */
function except(...allowed) {
  return modules.filter((name) => !allowed.includes(name));
}

/** An address or an argument with the name, not a comparison with it. */
const localhost = {
  selector: [
    "Literal[value=/^[a-z]+:\\/\\/localhost(?![\\w.-])/i]",
    "TemplateElement[value.raw=/:\\/\\/localhost(?![\\w.-])/i]",
    "Property[key.name=/^host(name)?$/] > Literal[value='localhost']",
    "CallExpression > Literal[value='localhost']",
  ].join(", "),
  message: "The name localhost leads to ::1 on some machines, where the emulator does not listen: use 127.0.0.1.",
};

const recursiveMkdir = {
  selector: "CallExpression[callee.name=/^mkdir(Sync)?$/] Property[key.name='recursive']",
  message:
    "Node's recursive mkdir never ends below a folder such as /proc that takes no folders: use makeFolder (lib/files.ts, tools/folders.mjs).",
};

/** Mocha's functions, which tests import. */
const mochaGlobals = ["describe", "it", "before", "after", "beforeEach", "afterEach"];

/** Each import is either of types or of values, and `node:path` is imported by name. */
const importForms = [
  {
    selector:
      ":matches(ImportDeclaration[importKind='value'], ExportNamedDeclaration[exportKind='value']) > :matches(ImportSpecifier[importKind='type'], ExportSpecifier[exportKind='type'])",
    message: "Import types by a separate import type.",
  },
  {
    selector:
      "ImportDeclaration[source.value=/^node:path/] > :matches(ImportDefaultSpecifier, ImportNamespaceSpecifier)",
    message: "Import the functions of node:path by name.",
  },
];

const privateMembers = {
  selector: ":matches(PropertyDefinition, MethodDefinition[kind!='constructor'])[accessibility='private']",
  message: "Use a #private member.",
};

/** The deadline of each wait: the compiler holds polls to it (`client/src/poll.ts`). */
const deadlines = [
  {
    selector: "CallExpression[callee.name='fetch']:not(:has(Property[key.name='signal']))",
    message: "fetch has no time limit. Pass a signal, such as AbortSignal.timeout(30_000).",
  },
  {
    selector:
      "NewExpression[callee.name=/Client$/] > ObjectExpression:not(:has(Property[key.name='requestHandler'])):not(:has(SpreadElement[argument.type!='ConditionalExpression']))",
    message: "The AWS SDK client has no time limit. Set requestHandler with a requestTimeout.",
  },
  {
    selector:
      "CallExpression[callee.callee.name='promisify'][callee.arguments.0.name='execFile']:not(:has(Property[key.name='timeout']))",
    message: "The child process has no time limit. Set timeout.",
  },
];

/** @type {import("eslint").Linter.Config[]} */
const imports = Object.entries(forbidden).map(([folder, others]) => ({
  name: `imports/${folder}`,
  files: [`${folder}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${others
              .filter((other) => other !== folder.split("/")[0])
              .map((other) => (other.includes("(") ? other : `${other}/`))
              .join("|")})`,
            message: `${folder}/ may not import this module (docs/architecture.md has the table). A test of two modules stands in e2e/.`,
          },
        ],
      },
    ],
  },
}));

export default defineConfig(
  { ignores: ["node_modules/", ".local/", "out/", "coverage/", "client/dist/", "model/dist/"] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      "@typescript-eslint/naming-convention": [
        "error",
        // A variable that holds a member of AWS's APIs has the member's name.
        { selector: "variable", format: ["camelCase", "PascalCase"], custom: { regex: "^[A-Z0-9_]+$", match: false } },
        { selector: "variable", modifiers: ["destructured"], format: null },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "no-restricted-exports": [
        "error",
        {
          restrictDefaultExports: {
            direct: true,
            named: true,
            defaultFrom: true,
            namedFrom: true,
            namespaceFrom: true,
          },
        },
      ],
      "no-console": "off",
      "no-restricted-globals": ["error", ...mochaGlobals],
      eqeqeq: "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["**/*.mjs"],
    rules: {
      "@typescript-eslint/explicit-function-return-type": "off",
    },
  },
  {
    // ESLint requires its configuration as the default export, Pulumi the stack's outputs.
    files: ["eslint.config.mjs", "infra/index.ts"],
    rules: { "no-restricted-exports": "off" },
  },
  {
    files: ["**/*.ts"],
    rules: { "no-restricted-syntax": ["error", localhost, ...importForms, privateMembers] },
  },
  {
    files: ["**/*.mjs"],
    rules: { "no-restricted-syntax": ["error", localhost, ...importForms, recursiveMkdir] },
  },
  {
    files: ["**/*.ts"],
    ignores: ["**/*.test.ts", "**/*.e2e.ts", "**/testing/**", "**/bench/**"],
    rules: {
      "no-restricted-syntax": ["error", localhost, ...importForms, privateMembers, ...deadlines, recursiveMkdir],
    },
  },
  {
    // Every export has a doc comment, which names the errors that the function throws.
    files: ["**/*.ts", "**/*.mjs"],
    ignores: ["**/*.test.ts", "**/*.e2e.ts", "**/testing/**", "**/bench/**", "eslint.config.mjs"],
    plugins: { jsdoc },
    rules: {
      "jsdoc/require-jsdoc": [
        "error",
        {
          publicOnly: true,
          enableFixer: false,
          require: { ClassDeclaration: true, FunctionDeclaration: true },
          contexts: [
            "ExportNamedDeclaration > VariableDeclaration",
            "TSInterfaceDeclaration",
            "TSTypeAliasDeclaration",
          ],
        },
      ],
      "jsdoc/require-throws": [
        "error",
        {
          contexts: [
            "ExportNamedDeclaration > FunctionDeclaration",
            "ClassDeclaration MethodDefinition[key.type!='PrivateIdentifier'] > FunctionExpression",
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.e2e.ts"],
    ignores: ["**/*.property.test.ts"],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        { name: "fast-check", message: "Property tests stand in a file *.property.test.ts." },
      ],
    },
  },
  {
    name: "child-processes",
    files: ["{client,lib,ops,planner,smoke}/**/*.ts"],
    ignores: [
      "**/*.test.ts",
      "**/testing/**",
      "**/bench/**",
      // Its log is a file descriptor, so that it can outlive this process; execa would copy the log through this process.
      "ops/local/emulator.ts",
    ],
    rules: {
      "@typescript-eslint/no-restricted-imports": [
        "error",
        {
          paths: [
            {
              name: "node:child_process",
              message:
                "Run programs with lib/child-process.ts, which has their time limit, signals and output in one place.",
            },
          ],
        },
      ],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.e2e.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  ...imports,
);
