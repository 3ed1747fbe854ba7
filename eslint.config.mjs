import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/**
 * Which rooms each room may import: ARCHITECTURE.md's table, enforced.
 * @type {Record<string, string[]>}
 */
const rooms = {
  bootstrap: [],
  client: ["lib", "policies"],
  doctor: ["infra", "lib", "pipeline", "policies"],
  infra: [],
  lib: [],
  local: ["simulator", "tools"],
  model: [],
  pipeline: ["infra", "lib"],
  policies: [],
  simulator: [],
  smoke: ["client", "lib"],
  start: ["client", "infra", "lib", "local", "tools"],
  tools: [],
};

/** @type {import("eslint").Linter.Config[]} */
const arrows = Object.entries(rooms).map(([room, allowed]) => {
  const forbidden = Object.keys(rooms).filter((other) => other !== room && !allowed.includes(other));
  return {
    name: `arrows/${room}`,
    files: [`${room}/**`],
    ignores: ["**/*.test.ts", "**/*.e2e.ts", "**/testing/**"],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${forbidden.join("|")})/`,
              message: `${room}/ may import ${allowed.length === 0 ? "no other room" : allowed.map((name) => `${name}/`).join(", ")} (ARCHITECTURE.md).`,
            },
          ],
        },
      ],
    },
  };
});

export default defineConfig(
  { ignores: ["node_modules/", ".local/", "out/", "coverage/", "model/dist/"] },
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
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
    // Where the tool that loads the file asks for a default export: ESLint its configuration, Pulumi the outputs that a stack has.
    files: ["eslint.config.mjs", "infra/index.ts"],
    rules: { "no-restricted-exports": "off" },
  },
  {
    // No wait without a deadline. The compiler holds polls to it (`client/poll.ts`).
    files: ["**/*.ts"],
    ignores: ["**/*.test.ts", "**/*.e2e.ts", "**/testing/**", "**/bench/**"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.name='fetch']:not(:has(Property[key.name='signal']))",
          message: "fetch waits for an answer without a limit: pass a signal, such as AbortSignal.timeout(30_000).",
        },
        {
          selector:
            "NewExpression[callee.name=/Client$/] > ObjectExpression:not(:has(Property[key.name='requestHandler'])):not(:has(SpreadElement[argument.type!='ConditionalExpression']))",
          message: "An AWS SDK client waits for an answer without a limit: set requestHandler with a requestTimeout.",
        },
        {
          selector:
            "CallExpression[callee.callee.name='promisify'][callee.arguments.0.name='execFile']:not(:has(Property[key.name='timeout']))",
          message: "A child process may never end: set timeout.",
        },
      ],
    },
  },
  {
    files: ["**/*.test.ts", "**/*.e2e.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  ...arrows,
);
