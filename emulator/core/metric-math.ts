/**
 * Parses CloudWatch's metric math. Source: CloudWatch user guide, "Using metric math"
 * (awsdocs/amazon-cloudwatch-user-guide, doc_source/using-metric-math.md).
 */

import { MetricMathError, UnimplementedMetricMathError } from "./metric-math-errors.ts";
import { binary, number, reference } from "./metric-math-evaluation.ts";
import type { Expression, Operator, Shape } from "./metric-math-evaluation.ts";
import { arrayOf, buildCall, unimplementedFunctions } from "./metric-math-functions.ts";
import type { Argument, Scope } from "./metric-math-functions.ts";

/** The queries that an expression can use, and their shapes. */
export interface ParseScope extends Scope {
  /** @throws MetricMathError if there is no such query */
  shapeOf(id: string): Shape;
}

interface Token {
  readonly kind: "end" | "name" | "number" | "symbol" | "text";
  readonly text: string;
  /** Offset in the expression. */
  readonly at: number;
}

const tokenPattern =
  /\s*(?:(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_]\w*)|(?<symbol>==|!=|<=|>=|&&|\|\||[-+*/^<>(),[\]])|(?<text>'[^']*'|"[^"]*"))/y;

/** @throws MetricMathError at the first character that starts no token */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (text.slice(tokenPattern.lastIndex).trim() !== "") {
    const start = tokenPattern.lastIndex;
    const groups = tokenPattern.exec(text)?.groups ?? {};
    const kind = (["number", "name", "symbol", "text"] as const).find((each) => groups[each] !== undefined);
    const found = kind === undefined ? undefined : groups[kind];
    if (kind === undefined || found === undefined) {
      throw new MetricMathError(`Unexpected character in ${place(text, start)}.`);
    }
    tokens.push({ kind, text: found, at: tokenPattern.lastIndex - found.length });
  }
  return [...tokens, { kind: "end", text: "the end", at: text.length }];
}

function place(text: string, at: number): string {
  return `expression '${text}' at position ${at + 1}`;
}

const or: Operator = (left, right) => Number(left !== 0 || right !== 0);
const and: Operator = (left, right) => Number(left !== 0 && right !== 0);
const subtract: Operator = (left, right) => left - right;

/** From the loosest to the tightest. AWS documents no order of precedence; this is the order of Python and JavaScript. */
const levels: readonly Readonly<Record<string, Operator>>[] = [
  { OR: or, "||": or },
  { AND: and, "&&": and },
  {
    "==": (left, right) => Number(left === right),
    "!=": (left, right) => Number(left !== right),
    "<=": (left, right) => Number(left <= right),
    ">=": (left, right) => Number(left >= right),
    "<": (left, right) => Number(left < right),
    ">": (left, right) => Number(left > right),
  },
  { "+": (left, right) => left + right, "-": subtract },
  { "*": (left, right) => left * right, "/": (left, right) => left / right },
];
const comparisonLevel = 2;

class Parser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #scope: ParseScope;
  #index = 0;

  constructor(text: string, scope: ParseScope) {
    this.#text = text;
    this.#scope = scope;
    this.#tokens = tokenize(text);
  }

  parse(): Expression {
    const expression = this.#level(0);
    if (this.#next.kind !== "end") throw this.#unexpected();
    return expression;
  }

  get #next(): Token {
    return this.#tokens[this.#index] ?? { kind: "end", text: "the end", at: this.#text.length };
  }

  #take(text: string): boolean {
    const isNext = this.#next.kind !== "end" && this.#next.text === text;
    if (isNext) this.#index += 1;
    return isNext;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(`'${text}'`);
  }

  #unexpected(expected = "an operator or operand"): MetricMathError {
    const { text, at, kind } = this.#next;
    const found = kind === "end" ? text : `'${text}'`;
    return new MetricMathError(`Expected ${expected} but found ${found} in ${place(this.#text, at)}.`);
  }

  /** Refuses an expression whose order is not documented: the result could differ from CloudWatch's. */
  #ambiguous(what: string): UnimplementedMetricMathError {
    return new UnimplementedMetricMathError(
      `${what} without parentheses, whose order AWS does not document (${place(this.#text, this.#next.at)})`,
    );
  }

  #level(index: number): Expression {
    const operators = levels[index];
    if (operators === undefined) return this.#signed();
    let left = this.#level(index + 1);
    for (let count = 0; ; count += 1) {
      const { text } = this.#next;
      const operator = Object.hasOwn(operators, text) ? operators[text] : undefined;
      if (operator === undefined) return left;
      if (index === comparisonLevel && count > 0) throw this.#ambiguous("a chain of comparisons");
      this.#index += 1;
      left = binary(operator, left, this.#level(index + 1));
    }
  }

  #signed(): Expression {
    if (!this.#take("-")) return this.#power();
    const operand = this.#next.text === "-" ? this.#signed() : this.#primary();
    if (this.#next.text === "^") throw this.#ambiguous("a power after a minus sign");
    return binary(subtract, number(0), operand);
  }

  #power(): Expression {
    const left = this.#primary();
    if (!this.#take("^")) return left;
    const right = this.#take("-") ? binary(subtract, number(0), this.#primary()) : this.#primary();
    if (this.#next.text === "^") throw this.#ambiguous("a chain of powers");
    return binary((base, exponent) => base ** exponent, left, right);
  }

  #primary(): Expression {
    const { kind, text } = this.#next;
    if (this.#take("(")) {
      const inner = this.#level(0);
      this.#expect(")");
      return inner;
    }
    if (this.#take("[")) return this.#array();
    if (kind === "text") throw new MetricMathError(`A text is only an argument of METRICS or SEARCH: ${text}.`);
    if (kind !== "number" && kind !== "name") throw this.#unexpected("a number, an id, a function or '('");
    this.#index += 1;
    if (kind === "number") return number(Number(text));
    if (/^[a-z]/.test(text)) return reference(text, this.#scope.shapeOf(text));
    if (/^[A-Z]/.test(text) && this.#take("(")) return this.#call(text);
    if (text === "SELECT") throw new UnimplementedMetricMathError("queries of Metrics Insights (SELECT)");
    throw new MetricMathError(`'${text}' in expression '${this.#text}' is not an id: ids begin with a small letter.`);
  }

  #array(): Expression {
    const members = [this.#level(0)];
    while (this.#take(",")) members.push(this.#level(0));
    this.#expect("]");
    if (members.some(({ shape }) => shape === "scalar")) {
      throw new MetricMathError(`An array has time series, not numbers (${place(this.#text, this.#next.at)}).`);
    }
    return arrayOf(members);
  }

  #call(name: string): Expression {
    const args: Argument[] = [];
    if (!this.#take(")")) {
      do args.push(this.#argument());
      while (this.#take(","));
      this.#expect(")");
    }
    if (unimplementedFunctions.includes(name)) {
      throw new UnimplementedMetricMathError(`the function ${name} in metric math`);
    }
    const call = buildCall(name, args, this.#scope);
    if (call === undefined) throw new MetricMathError(`There is no function ${name} in metric math.`);
    return call;
  }

  #argument(): Argument {
    const { kind, text } = this.#next;
    if (kind === "text") {
      this.#index += 1;
      return { text: text.slice(1, -1) };
    }
    if (kind === "name" && /^[A-Z]/.test(text) && this.#tokens[this.#index + 1]?.text !== "(") {
      this.#index += 1;
      return { keyword: text };
    }
    return { expression: this.#level(0) };
  }
}

/**
 * Parses an expression that yields time series.
 * @throws MetricMathError if CloudWatch does not accept it
 * @throws UnimplementedMetricMathError if a part of it is not implemented here
 */
export function parseExpression(text: string, scope: ParseScope): Expression {
  const expression = new Parser(text, scope).parse();
  if (expression.shape === "scalar") {
    throw new MetricMathError(`Expression '${text}' yields a number, but must yield a time series.`);
  }
  return expression;
}
