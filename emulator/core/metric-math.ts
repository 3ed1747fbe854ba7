/**
 * Parses CloudWatch's metric math: arithmetic, comparisons, AND and OR, IF and FILL. Source: CloudWatch user guide,
 * "Using metric math" (awsdocs/amazon-cloudwatch-user-guide, doc_source/using-metric-math.md). Other functions and
 * arrays of series are refused by name.
 */

/** Operators between two operands. */
export type Operator = "+" | "-" | "*" | "/" | "^" | "==" | "!=" | "<=" | ">=" | "<" | ">" | "AND" | "OR";

/** A parsed expression. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  /** The series of another query. */
  | { readonly kind: "reference"; readonly id: string }
  | { readonly kind: "negation"; readonly operand: Expression }
  | { readonly kind: "binary"; readonly operator: Operator; readonly left: Expression; readonly right: Expression }
  /** A series whose missing values are `filler`, a scalar. */
  | { readonly kind: "fill"; readonly series: Expression; readonly filler: Expression }
  | {
      readonly kind: "if";
      readonly condition: Expression;
      readonly whenTrue: Expression;
      readonly whenFalse: Expression | undefined;
    };

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

/** From the loosest to the tightest. AWS documents no order of precedence; this is the order of Python and JavaScript. */
const levels: readonly Readonly<Record<string, Operator>>[] = [
  { OR: "OR", "||": "OR" },
  { AND: "AND", "&&": "AND" },
  { "==": "==", "!=": "!=", "<=": "<=", ">=": ">=", "<": "<", ">": ">" },
  { "+": "+", "-": "-" },
  { "*": "*", "/": "/" },
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
      left = { kind: "binary", operator, left, right: this.#level(index + 1) };
    }
  }

  #signed(): Expression {
    if (!this.#take("-")) return this.#power();
    const operand = this.#next.text === "-" ? this.#signed() : this.#primary();
    if (this.#next.text === "^") throw this.#ambiguous("a power after a minus sign");
    return { kind: "negation", operand };
  }

  #power(): Expression {
    const left = this.#primary();
    if (!this.#take("^")) return left;
    const right: Expression = this.#take("-") ? { kind: "negation", operand: this.#primary() } : this.#primary();
    if (this.#next.text === "^") throw this.#ambiguous("a chain of powers");
    return { kind: "binary", operator: "^", left, right };
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
    if (kind === "number") return { kind: "number", value: Number(text) };
    if (/^[a-z]/.test(text)) return { kind: "reference", id: text };
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
    if (name === "FILL") {
      this.#expect(")");
      return { kind: "fill", series: first, filler: second };
    }
    const whenFalse = this.#take(",") ? this.#level(0) : undefined;
    this.#expect(")");
    return { kind: "if", condition: first, whenTrue: second, whenFalse };
  }
}

/** Shape of an expression's result (the guide's S and TS). */
type Shape = "scalar" | "series";

/** @throws MetricMathError if a function is called with other shapes than the guide lists */
function shapeOf(expression: Expression): Shape {
  switch (expression.kind) {
    case "number":
      return "scalar";
    case "reference":
      return "series";
    case "negation":
      return shapeOf(expression.operand);
    case "binary": {
      const shapes = [shapeOf(expression.left), shapeOf(expression.right)];
      return shapes.includes("series") ? "series" : "scalar";
    }
    case "fill":
      if (shapeOf(expression.series) === "scalar") throw new MetricMathError("FILL fills a time series, not a number.");
      if (shapeOf(expression.filler) === "series") {
        throw new UnimplementedMetricMathError("FILL with the values of another time series");
      }
      return "series";
    case "if": {
      const { condition, whenTrue, whenFalse } = expression;
      const values = whenFalse === undefined ? [whenTrue] : [whenTrue, whenFalse];
      const shapes = values.map(shapeOf);
      if (shapeOf(condition) === "scalar" && shapes.includes("scalar")) {
        throw new MetricMathError("IF with a number as its condition needs time series as its values.");
      }
      return "series";
    }
  }
}

/**
 * Parses an expression that yields one time series.
 * @throws MetricMathError if CloudWatch does not accept it
 * @throws UnimplementedMetricMathError if a part of it is not implemented here
 */
export function parseExpression(text: string): Expression {
  const expression = new Parser(text).parse();
  if (shapeOf(expression) === "scalar") {
    throw new MetricMathError(`Expression '${text}' yields a number, but must yield a time series.`);
  }
  return expression;
}

/** Returns the ids of the queries whose series an expression uses, each once. */
export function referencesOf(expression: Expression): string[] {
  switch (expression.kind) {
    case "number":
      return [];
    case "reference":
      return [expression.id];
    case "negation":
      return referencesOf(expression.operand);
    case "binary":
      return unique([expression.left, expression.right]);
    case "fill":
      return unique([expression.series, expression.filler]);
    case "if":
      return unique([expression.condition, expression.whenTrue, expression.whenFalse]);
  }
}

function unique(parts: readonly (Expression | undefined)[]): string[] {
  return [...new Set(parts.flatMap((part) => (part === undefined ? [] : referencesOf(part))))];
}
