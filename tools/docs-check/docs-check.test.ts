/** Checks the documents: links, files and scripts exist, and a test runs each command. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { repoRoot } from "../paths.mjs";
import { anchorsOf, commandsIn, isPath, linksIn, npmScriptsIn, quotedIn } from "./markdown.ts";
import { readmeCommands } from "./readme-commands.ts";

const read = (file: string): string => readFileSync(join(repoRoot, file), "utf8");
const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(JSON.parse(read("package.json")));

const included = ["*.md", "*/**/*.md", ".github/**/*.md"];
const excluded = ["node_modules/**", ".local/**", "**/dist/**", "**/.venv/**", "coverage/**", "out/**"];
const pages = globSync(included, { cwd: repoRoot, exclude: excluded }).sort();
/** Pages with commands for their readers. */
const guides = pages.filter((page) => /^(?:README|CONTRIBUTING|docs\/[\w-]+)\.md$/.test(page));

/** Returns whether git ignores the path, as for generated files. */
function isIgnored(path: string): boolean {
  try {
    execFileSync("git", ["check-ignore", "--quiet", "--no-index", path], { cwd: repoRoot });
    return true;
  } catch {
    return false;
  }
}

describe("the documents", () => {
  it("include the README, the guides and the modules' pages", () => {
    for (const page of ["README.md", "docs/architecture.md", "policies/README.md"])
      assert.ok(pages.includes(page), page);
    for (const page of ["README.md", "docs/local.md", "docs/deployment.md"]) assert.ok(guides.includes(page), page);
  });

  for (const page of pages) {
    it(`${page}: every relative link and anchor exists`, () => {
      const dead = linksIn(read(page)).flatMap(({ target, line }) => {
        if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
        const [path = "", anchor] = target.split("#");
        const file = path === "" ? page : relative(repoRoot, join(repoRoot, dirname(page), decodeURI(path)));
        const where = `${page}:${line}: ${target}`;
        if (!existsSync(join(repoRoot, file))) return [where];
        return anchor === undefined || anchorsOf(read(file)).has(anchor) ? [] : [where];
      });
      assert.deepEqual(dead, []);
    });

    it(`${page}: every npm script that it names exists`, () => {
      const named = new Set(npmScriptsIn(read(page)));
      assert.deepEqual(
        [...named].filter((name) => scripts[name] === undefined),
        [],
      );
    });

    it(`${page}: every file and folder that it names exists or is ignored by git`, () => {
      const missing = quotedIn(read(page))
        .filter(isPath)
        // On other pages, a bare name such as index.ts means a file of several folders.
        .filter((path) => guides.includes(page) || path.includes("/"))
        // `config.<stack>.json` means several files. A folder's page may name files next to it.
        .map((path) => path.replaceAll(/<[^>]*>/g, "*"))
        .filter((path) =>
          [path, join(dirname(page), path)].every((each) => globSync(each, { cwd: repoRoot }).length === 0),
        )
        .filter((path) => !isIgnored(path));
      assert.deepEqual(missing, []);
    });
  }
});

describe("README.md", () => {
  it("has at most 130 lines", () => {
    assert.ok(read("README.md").trimEnd().split("\n").length <= 130, "move details to a page in docs/");
  });
});

describe("infra/bootstrap/README.md", () => {
  it("names only folders and policy packs that exist", () => {
    const missing: string[] = [];
    let folder = repoRoot;
    for (const command of commandsIn(read("infra/bootstrap/README.md"))) {
      const target = /^cd (\S+)$/.exec(command)?.[1];
      const pack = /--policy-pack (\S+)/.exec(command)?.[1];
      if (target !== undefined) folder = join(folder, target);
      for (const path of [folder, join(folder, pack ?? ".", pack === undefined ? "" : "PulumiPolicy.yaml")]) {
        if (!existsSync(path)) missing.push(`${command}: ${path}`);
      }
    }
    assert.deepEqual(missing, []);
    assert.equal(relative(repoRoot, folder), "", "the last step runs in the project's folder");
  });
});

describe("docs/decisions/", () => {
  const names = globSync("docs/decisions/[0-9]*.md", { cwd: repoRoot }).sort();

  it("numbers the decisions from 0001 without gaps, and lists all of them", () => {
    const index = read("docs/decisions/README.md");
    for (const [position, name] of names.entries()) {
      const file = basename(name);
      assert.ok(file.startsWith(`${String(position + 1).padStart(4, "0")}-`), file);
      assert.ok(index.includes(`](${file})`), `add ${file} to docs/decisions/README.md`);
    }
    assert.ok(names.length > 0);
  });

  for (const name of names) {
    it(`${name} has context, decision and consequences, in 10 to 20 lines`, () => {
      const page = read(name);
      const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
      assert.deepEqual(headings, ["Context", "Decision", "Consequences"]);
      const lines = page.trimEnd().split("\n").length;
      assert.ok(lines >= 10 && lines <= 20, `${lines} lines`);
    });
  }
});

/** Returns the npm scripts that continuous integration runs, directly or through other scripts. */
function ciScripts(): Set<string> {
  const reached = new Set<string>();
  const follow = (command: string): void => {
    // `${UNIT_TESTS:-test:unit}` is test:unit. With the coverage instead, test:unit runs inside it.
    const text = command.replaceAll(/\$\{\w+:-([\w:-]+)\}/g, "$1");
    const inGroups = [...text.matchAll(/tools\/parallel\.mjs(( "[^"]*")+)/g)].flatMap(
      ([, groups = ""]) => groups.match(/[\w:-]+/g) ?? [],
    );
    for (const name of [...npmScriptsIn(text), ...inGroups]) {
      const script = scripts[name];
      if (script === undefined || reached.has(name)) continue;
      reached.add(name);
      follow(script);
    }
  };
  follow(read(".ci/run"));
  return reached;
}

describe("the commands on the pages", () => {
  const shown = [...new Set(guides.flatMap((page) => commandsIn(read(page))))];
  const reached = ciScripts();

  it("are all listed with the test that runs them", () => {
    const listed = new Set(readmeCommands.map(({ command }) => command));
    const unlisted = shown.filter((command) => !listed.has(command));
    assert.deepEqual(unlisted, [], "add them to tools/docs-check/readme-commands.ts, with the test that runs them");
  });

  it("are listed only if a page shows them", () => {
    const stale = readmeCommands.filter(({ command }) => !shown.includes(command));
    assert.deepEqual(stale, []);
  });

  for (const entry of readmeCommands) {
    if ("test" in entry) {
      it(`${entry.command}: run by ${entry.test}`, () => {
        assert.match(entry.test, /(\.test\.ts|\.e2e\.ts|\/test_\w+\.py)$/);
        assert.ok(read(entry.test).includes(entry.text), `${entry.test} has no ${entry.text}`);
      });
    } else if ("ci" in entry) {
      it(`${entry.command}: run by .ci/run`, () => {
        assert.ok(reached.has(entry.ci), `${entry.ci} is not among ${[...reached].join(", ")}`);
      });
    } else {
      it(`${entry.command}: needs ${entry.needs}`, () => {
        assert.doesNotMatch(entry.command, /^npm (start|test|run (-s )?(test|bench|local|preview|ci:))/);
      });
    }
  }
});
