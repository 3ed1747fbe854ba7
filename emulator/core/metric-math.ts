/**
 * Parses CloudWatch's metric math: arithmetic, comparisons, AND and OR, IF and FILL. Source: CloudWatch user guide,
 * "Using metric math" (awsdocs/amazon-cloudwatch-user-guide, doc_source/using-metric-math.md). Other functions and
 * arrays of series are refused by name.
 */

import { binary, choose, fill, number, reference } from "./metric-math-evaluation.ts";
import type { Expression, Operator } from "./metric-math-evaluation.ts";

/** An expression that CloudWatch does not accept. */
export class MetricMathError extends Error {
  override readonly name: string = "MetricMathError";
}

/** A part of metric math that is not implemented; the message names it. */
export class UnimplementedMetricMathError extends Error {
  override readonly name = "UnimplementedMetricMathError";
}

interface Token {
  readonly kind: "end" | "name" | "number" | "symbol";
  readonly text: string;
  /** Offset in the expression. */
  readonly at: number;
}

const tokenPattern =
  /\s*(?:(?<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<name>[A-Za-z_]\w*)|(?<symbol>==|!=|<=|>=|&&|\|\||[-+*/^<>(),[\]"']))/y;

/** @throws MetricMathError at the first character that starts no token */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  while (text.slice(tokenPattern.lastIndex).trim() !== "") {
    const start = tokenPattern.lastIndex;
    const { number, name, symbol } = tokenPattern.exec(text)?.groups ?? {};
    const found = number ?? name ?? symbol;
    if (found === undefined) throw new MetricMathError(`Unexpected character in ${place(text, start)}.`);
    const kind = number === undefined ? (name === undefined ? "symbol" : "name") : "number";
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
  #index = 0;

  constructor(text: string) {
    this.#text = text;
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
      const operator = this.#next.kind === "end" ? undefined : operators[this.#next.text];
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
    if (text === "[") throw new UnimplementedMetricMathError("arrays of time series in metric math");
    if (text === '"' || text === "'") throw new UnimplementedMetricMathError("texts in metric math");
    if (kind !== "number" && kind !== "name") throw this.#unexpected("a number, an id, a function or '('");
    this.#index += 1;
    if (kind === "number") return number(Number(text));
    if (/^[a-z]/.test(text)) return reference(text);
    if (!this.#take("(")) {
      if (text === "REPEAT" || text === "LINEAR") throw new UnimplementedMetricMathError(`FILL with ${text}`);
      throw new MetricMathError(`'${text}' in expression '${this.#text}' is not an id: ids begin with a small letter.`);
    }
    return this.#call(text);
  }

  #call(name: string): Expression {
    if (name !== "FILL" && name !== "IF") throw new UnimplementedMetricMathError(`the function ${name} in metric math`);
    const first = this.#level(0);
    this.#expect(",");
    const second = this.#level(0);
    const third = name === "IF" && this.#take(",") ? this.#level(0) : undefined;
    this.#expect(")");
    if (name === "FILL") {
      if (!first.isSeries) throw new MetricMathError("FILL fills a time series, not a number.");
      if (second.isSeries) throw new UnimplementedMetricMathError("FILL with the values of another time series");
      return fill(first, second);
    }
    if (!first.isSeries && !(second.isSeries && third?.isSeries !== false)) {
      throw new MetricMathError("IF with a number as its condition needs time series as its values.");
    }
    return choose(first, second, third);
  }
}

/**
 * Parses an expression that yields one time series.
 * @throws MetricMathError if CloudWatch does not accept it
 * @throws UnimplementedMetricMathError if a part of it is not implemented here
 */
export function parseExpression(text: string): Expression {
  const expression = new Parser(text).parse();
  if (!expression.isSeries) {
    throw new MetricMathError(`Expression '${text}' yields a number, but must yield a time series.`);
  }
  return expression;
}
