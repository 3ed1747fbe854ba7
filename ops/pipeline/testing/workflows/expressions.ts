/** Evaluates the expressions of workflows as GitHub does, with the evaluator of GitHub's own language services. */
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import type { FunctionDefinition } from "@actions/expressions/funcs/info";

/** A value in an expression's context: JSON. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

/** Status of a job's previous steps, or of the jobs that a job needs. */
export type Status = "success" | "failure" | "cancelled" | "skipped";

/** Contexts and functions for an expression. */
export interface Scope {
  /** The contexts by name: github, vars, needs, … Any other name is an error. */
  readonly contexts: Readonly<Record<string, Value>>;
  readonly status: Status;
  /** Returns the digest of the files that match the patterns; absent outside steps, as in GitHub. */
  readonly hashFiles?: (...patterns: string[]) => string;
}

const statusFunctions = ["success", "failure", "cancelled", "always"];

/**
 * Evaluates one expression, without its `${{ }}`.
 * @throws Error if it is malformed, or names an unknown context or function
 */
export function evaluate(expression: string, scope: Scope): Value {
  const functions = functionsOf(scope);
  try {
    const { tokens } = new Lexer(expression).lex();
    const parsed = new Parser(tokens, Object.keys(scope.contexts), functions).parse();
    const contexts = toData(scope.contexts) as data.Dictionary;
    const result = new Evaluator(parsed, contexts, new Map(functions.map((each) => [each.name.toLowerCase(), each])));
    return fromData(result.evaluate());
  } catch (error) {
    throw new Error(`\${{ ${expression} }}: ${(error as Error).message}`, { cause: error });
  }
}

/** Replaces the expressions in a text. A text that is one expression becomes its value; everything else stays text. */
export function interpolate(text: string, scope: Scope): Value {
  const whole = /^\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*$/s.exec(text)?.[1];
  if (whole !== undefined) return evaluate(whole.trim(), scope);
  return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) => textOf(evaluate(expression.trim(), scope)));
}

/** Replaces the expressions in every text of a value. */
export function interpolateAll(value: Value, scope: Scope): Value {
  if (typeof value === "string") return interpolate(value, scope);
  if (typeof value !== "object" || value === null) return value;
  if (isList(value)) return value.map((each) => interpolateAll(each, scope));
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, interpolateAll(each, scope)]));
}

/** Evaluates the condition of a step or a job. Without a status function, it also requires the success of everything before. */
export function holds(condition: string | boolean | undefined, scope: Scope): boolean {
  const text = String(condition ?? "success()");
  const expression = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(text)?.[1] ?? text;
  const { tokens } = new Lexer(expression).lex();
  const isGuarded = tokens.some(
    ({ lexeme }, index) => statusFunctions.includes(lexeme.toLowerCase()) && tokens[index + 1]?.lexeme === "(",
  );
  return isTrue(evaluate(isGuarded ? expression : `success() && (${expression})`, scope));
}

/** Converts a value into text as GitHub does for texts and environment variables. */
export function textOf(value: Value): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function isTrue(value: Value): boolean {
  return value !== null && value !== false && value !== 0 && value !== "";
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function functionsOf({ status, hashFiles }: Scope): FunctionDefinition[] {
  const flag = (name: string, value: boolean): FunctionDefinition => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(value),
  });
  return [
    flag("success", status === "success"),
    flag("failure", status === "failure"),
    flag("cancelled", status === "cancelled"),
    flag("always", true),
    ...(hashFiles === undefined
      ? []
      : [
          {
            name: "hashFiles",
            minArgs: 1,
            maxArgs: 255,
            call: (...patterns: data.ExpressionData[]) =>
              new data.StringData(hashFiles(...patterns.map((each) => each.coerceString()))),
          },
        ]),
  ];
}

function toData(value: Value): data.ExpressionData {
  return JSON.parse(JSON.stringify(value), data.reviver) as data.ExpressionData;
}

function fromData(value: data.ExpressionData): Value {
  return JSON.parse(JSON.stringify(value, data.replacer)) as Value;
}
