/** Tests the functions that read a Markdown page. */
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { anchorsOf, commandsIn, isPath, linksIn, npmScriptsIn, quotedIn } from "./markdown.ts";

const fence = "```";
const markdown = `# The *first* page: npm start!

See [the other](other.md#part "title"), ![a picture](docs/a.svg), \`[no link](in-code.md)\`.
<img src="docs/b.gif" alt="b">

## Part

    npm run a -- --json > jobs    # a comment
    video   out/annotated.gif
    aws s3 cp a \\
      b

${fence}sh
eval "$(npm run -s local:env)"
[no link](fenced.md)
${fence}

- an item

    of a list: npm run b

      npm run d

## Part

\`tools/setup.mjs\` and \`npm run c\`.
`;

describe("a Markdown page", () => {
  it("has links only in its prose", () => {
    assert.deepEqual(linksIn(markdown), [
      { target: "other.md#part", line: 3 },
      { target: "docs/a.svg", line: 3 },
      { target: "docs/b.gif", line: 4 },
    ]);
  });

  it("has the anchors that GitHub generates", () => {
    assert.deepEqual([...anchorsOf(markdown)], ["the-first-page-npm-start", "part", "part-1"]);
  });

  it("has commands in its code blocks, without comments and output", () => {
    assert.deepEqual(commandsIn(markdown), [
      "npm run a -- --json > jobs",
      "aws s3 cp a b",
      'eval "$(npm run -s local:env)"',
      "npm run d",
    ]);
  });

  it("has texts in backticks in its prose", () => {
    assert.deepEqual(quotedIn(markdown), ["[no link](in-code.md)", "tools/setup.mjs", "npm run c"]);
  });

  it("has the names of npm scripts", () => {
    assert.deepEqual(npmScriptsIn("npm run -s local:env, npm run docs and npm start"), ["local:env", "docs", "start"]);
  });

  it("has paths of the repository in backticks", () => {
    for (const path of [
      "tools/setup.mjs",
      "policies/",
      "Pulumi.<stack>.yaml",
      ".github/workflows/deploy.yml",
      "README.md",
    ]) {
      assert.ok(isPath(path), path);
    }
    for (const other of ["npm run c", "minCapacity", "s3://a/b.json", "ml.g4dn.xlarge", "pulumi up", "a/b"]) {
      assert.ok(!isPath(other), other);
    }
  });
});
