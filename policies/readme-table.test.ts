/** Tests that the pack's page and files describe the pack. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { z } from "zod";
import { policies } from "./pack.ts";
import { page, withTable } from "./readme-table.ts";

const level = z.enum(["advisory", "mandatory", "disabled"]);
const configSchema = z.record(z.string(), z.union([level, z.looseObject({ enforcementLevel: level.optional() })]));

/** Removes the padding of columns, which a formatter may change. */
function unpadded(text: string): string {
  return text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---");
}

describe("README.md of the pack", () => {
  const text = readFileSync(page, "utf8");

  it("has the pack's current table", () => {
    assert.equal(unpadded(text), unpadded(withTable(text)), "run npm run docs:policies and npm run format");
  });

  it("refuses to write a table into a page without the marks of the table", () => {
    assert.throws(() => withTable("# Policies\n"), /has no lines/);
  });
});

describe("the pack's folder when copied", () => {
  const packageSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
  const dependenciesOf = (...path: string[]) =>
    packageSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, ...path, "package.json"), "utf8")))
      .dependencies;

  it("declares every package that it imports, in the version that the project tests", () => {
    const modules = readdirSync(import.meta.dirname).filter((file) => /^[a-z-]+\.m?ts$/.test(file));
    const imported = modules.flatMap((file) =>
      [...readFileSync(join(import.meta.dirname, file), "utf8").matchAll(/from "((?:@[\w-]+\/)?[\w-]+)[/"]/g)].map(
        ([, name = ""]) => name,
      ),
    );
    const own = dependenciesOf();
    assert.deepEqual(Object.keys(own).sort(), [...new Set(imported)].sort());
    const tested = dependenciesOf("..");
    for (const [name, version] of Object.entries(own)) assert.equal(version, tested[name], name);
  });
});

describe("every policy", () => {
  it("has a unique name, a level, and a description", () => {
    assert.equal(new Set(policies.map(({ name }) => name)).size, policies.length);
    for (const { name, description, enforcementLevel } of policies) {
      assert.match(name, /^[a-z]+(-[a-z0-9]+)+$/);
      assert.ok(enforcementLevel !== undefined, name);
      assert.match(description, /^[A-Z].{40,}\.$/, name);
    }
  });

  it("gives each property of its config a description", () => {
    for (const { name, configSchema: schema } of policies) {
      for (const [property, { description }] of Object.entries(schema?.properties ?? {})) {
        assert.ok(description !== undefined, `${name}.${property}`);
      }
    }
  });
});

describe("the stacks' config files", () => {
  for (const file of readdirSync(import.meta.dirname).filter((name) => /^config\..+\.json$/.test(name))) {
    it(`${file} configures only existing policies and properties`, () => {
      const config = configSchema.parse(JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")));
      for (const [name, value] of Object.entries(config)) {
        const policy = policies.find((each) => each.name === name);
        assert.ok(policy !== undefined, name);
        if (typeof value === "string") continue;
        for (const property of Object.keys(value).filter((key) => key !== "enforcementLevel")) {
          assert.ok(policy.configSchema?.properties[property] !== undefined, `${name}.${property}`);
        }
      }
    });
  }
});
