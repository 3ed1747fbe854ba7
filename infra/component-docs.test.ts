/** Tests the doc comments of the components: an example that works, every argument with its default, and every output. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "mocha";
import ts from "typescript";

/** Parsed source files of the components, without tests. */
const sources = globSync(join(import.meta.dirname, "components", "*.ts"))
  .filter((file) => !file.endsWith(".test.ts"))
  .map((file) => ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ESNext, true));

const classes = sources.flatMap(({ statements }) => statements.filter(ts.isClassDeclaration));

/** Returns the text of a doc comment, or of one of its tags. */
function docOf(node: ts.Node, tag?: string): string | undefined {
  for (const doc of ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)) {
    if (tag === undefined) return ts.getTextOfJSDocComment(doc.comment);
    const found = doc.tags?.find(({ tagName }) => tagName.text === tag);
    if (found !== undefined) return ts.getTextOfJSDocComment(found.comment);
  }
  return undefined;
}

/** Returns the interfaces whose name matches a pattern. */
function interfaces(pattern: RegExp): ts.InterfaceDeclaration[] {
  return sources
    .flatMap(({ statements }) => statements.filter(ts.isInterfaceDeclaration))
    .filter(({ name }) => pattern.test(name.text));
}

/** Returns the fields of the interfaces whose name matches a pattern, and of the objects in them. */
function fieldsOf(pattern: RegExp): ts.PropertySignature[] {
  const fields = (node: ts.InterfaceDeclaration | ts.TypeLiteralNode): ts.PropertySignature[] =>
    node.members.filter(ts.isPropertySignature).flatMap((field) => [field, ...nested(field.type)]);
  const nested = (type: ts.TypeNode | undefined): ts.PropertySignature[] => {
    if (type === undefined) return [];
    if (ts.isTypeLiteralNode(type)) return fields(type);
    return ts.isIntersectionTypeNode(type) ? type.types.flatMap(nested) : [];
  };
  return interfaces(pattern).flatMap(fields);
}

const place = (node: ts.Node) => `${basename(node.getSourceFile().fileName)}: ${node.getText().split("\n")[0]}`;

describe("each component", () => {
  it("has an example that is a part of a program that is compiled and run", () => {
    const program = readFileSync(join(import.meta.dirname, "testing", "example-program.ts"), "utf8");
    const dedented = program.replaceAll(/^ {2}/gm, "");
    assert.equal(classes.length, 8);
    for (const component of classes) {
      const example = docOf(component, "example");
      assert.ok(example?.includes(`new ${component.name?.text ?? ""}(`), place(component));
      assert.ok(dedented.includes(`\n${example}\n`), `not in example-program.ts:\n${example}`);
    }
  });

  it("documents every argument, with the default of each optional one", () => {
    const fields = fieldsOf(/(Args|Transform)$/);
    assert.ok(fields.length > 100, `${fields.length} fields`);
    for (const field of fields) {
      assert.ok(docOf(field), `${place(field)} has no doc comment`);
      if (field.questionToken !== undefined) assert.ok(docOf(field, "default"), `${place(field)} has no @default`);
    }
  });

  it("takes inputs, except for arguments that decide which resources exist", () => {
    const args = interfaces(new RegExp(`^(${classes.map(({ name }) => name?.text ?? "").join("|")})Args$`));
    assert.equal(args.length, classes.length);
    for (const field of args.flatMap(({ members }) => members.filter(ts.isPropertySignature))) {
      // The fields of an account are inputs.
      if (["account", "transform"].includes(field.name.getText())) continue;
      const isInput = field.type?.getText().startsWith("pulumi.Input<") === true;
      assert.ok(isInput || docOf(field)?.includes("No input, because"), place(field));
    }
  });

  it("documents every output", () => {
    for (const component of classes) {
      const outputs = component.members.filter(ts.isPropertyDeclaration);
      assert.ok(outputs.length > 0, place(component));
      for (const output of outputs) assert.ok(docOf(output), `${place(output)} has no doc comment`);
    }
  });
});
