/** Checks a request against the constraints of its API model, with AWS's messages. */

import type { ApiModel, Shape } from "./model.ts";
import { validationException } from "./service.ts";

/**
 * Checks an input. Members that the model does not know are removed before: AWS's services ignore them.
 * @throws {AwsError} ValidationException that lists every constraint that the input breaks
 */
export function checkInput(model: ApiModel, shapeName: string, input: Readonly<Record<string, unknown>>): void {
  const problems: string[] = [];
  check(model, shapeName, input, "", problems);
  if (problems.length === 0) return;
  const count = problems.length === 1 ? "1 validation error" : `${problems.length} validation errors`;
  throw validationException(`${count} detected: ${problems.join("; ")}`);
}

function check(model: ApiModel, shapeName: string, value: unknown, path: string, problems: string[]): void {
  const shape = model.shape(shapeName);
  const shown = shape.sensitive === true ? "Value" : `Value '${show(value)}'`;
  for (const constraint of brokenConstraints(shape, value)) {
    problems.push(`${shown} at '${path}' failed to satisfy constraint: ${constraint}`);
  }
  if (shape.type === "structure") {
    const members = value as Readonly<Record<string, unknown>>;
    for (const name of shape.required ?? []) {
      if (members[name] === undefined) {
        problems.push(
          `Value null at '${step(path, lowerFirst(name))}' failed to satisfy constraint: Member must not be null`,
        );
      }
    }
    for (const [name, ref] of Object.entries(shape.members ?? {})) {
      const member = members[name];
      if (member !== undefined) check(model, ref.shape, member, step(path, lowerFirst(name)), problems);
    }
  } else if (shape.type === "list" && shape.member !== undefined) {
    const ref = shape.member;
    (value as readonly unknown[]).forEach((item, index) => {
      check(model, ref.shape, item, step(path, `${index + 1}.member`), problems);
    });
  } else if (shape.type === "map" && shape.key !== undefined && shape.value !== undefined) {
    for (const [key, item] of Object.entries(value as Readonly<Record<string, unknown>>)) {
      const brokenKey = brokenConstraints(model.shape(shape.key.shape), key);
      if (brokenKey.length > 0) {
        problems.push(
          `Value '${show(value)}' at '${path}' failed to satisfy constraint: Map keys must satisfy constraint: [${brokenKey.join(", ")}]`,
        );
      }
      check(model, shape.value.shape, item, step(path, `${key}.member`), problems);
    }
  }
}

function brokenConstraints(shape: Shape, value: unknown): string[] {
  const broken: string[] = [];
  if (shape.enum !== undefined && !shape.enum.includes(value as string)) {
    broken.push(`Member must satisfy enum value set: [${shape.enum.join(", ")}]`);
  }
  const [size, noun] = measure(shape, value);
  if (size !== undefined) {
    if (shape.min !== undefined && size < shape.min) {
      broken.push(`Member must have ${noun} greater than or equal to ${shape.min}`);
    }
    if (shape.max !== undefined && size > shape.max) {
      broken.push(`Member must have ${noun} less than or equal to ${shape.max}`);
    }
  }
  if (shape.type === "string" && shape.pattern !== undefined && !patternOf(shape.pattern).test(value as string)) {
    broken.push(`Member must satisfy regular expression pattern: ${shape.pattern}`);
  }
  return broken;
}

function measure({ type }: Shape, value: unknown): [number | undefined, "length" | "value"] {
  if (typeof value === "number") return [value, "value"];
  // Characters, not UTF-16 units.
  if (typeof value === "string") return [Array.from(value).length, "length"];
  if (Array.isArray(value) || value instanceof Uint8Array) return [value.length, "length"];
  return [type === "map" ? Object.keys(value as object).length : undefined, "length"];
}

const patterns = new Map<string, RegExp>();

/**
 * Converts a model's pattern to AWS's meaning: Java's syntax, and the whole value must match, even if the pattern is
 * not anchored.
 * @throws {SyntaxError} for a pattern that has no counterpart here
 */
export function patternOf(source: string): RegExp {
  const known = patterns.get(source);
  if (known !== undefined) return known;
  const translated = source
    .replaceAll("\\p{Print}", "\\x20-\\x7E")
    .replaceAll("\\p{Alnum}", "a-zA-Z0-9")
    .replaceAll("\\A", "^")
    .replaceAll("\\z", "$")
    // Java treats a repeated end of text as one.
    .replace(/\$\{\d+,\d+\}/g, "$$");
  // The two POSIX classes above are bare in some patterns and inside a class in others.
  const bracketed = translated.replace(/(?<![[\w\\-])(\\x20-\\x7E|a-zA-Z0-9)(?=[+*?{]|$)/g, "[$1]");
  const whole = `^(?:${bracketed})$`;
  let compiled: RegExp;
  try {
    compiled = new RegExp(whole, "u");
  } catch {
    // Java, and JavaScript without the u flag, accept an unnecessary escape; with the flag it is an error.
    compiled = new RegExp(whole);
  }
  patterns.set(source, compiled);
  return compiled;
}

function show(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([key, item]) => `${key}=${show(item)}`);
    return `{${members.join(", ")}}`;
  }
  return String(value);
}

function step(path: string, next: string): string {
  return path === "" ? next : `${path}.${next}`;
}

function lowerFirst(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
