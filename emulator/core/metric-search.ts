/**
 * SEARCH of metric math. Source: CloudWatch user guide, "CloudWatch search expression syntax"
 * (awsdocs/amazon-cloudwatch-user-guide, doc_source/search-expression-syntax.md).
 */

import { MetricMathError, UnimplementedMetricMathError } from "./metric-math-errors.ts";
import type { MetricId } from "./metric-types.ts";
import { statisticOfName } from "./statistics.ts";
import type { Statistic } from "./statistics.ts";

/** A search for metrics. */
export interface MetricSearch {
  readonly statistic: Statistic;
  /** ms; undefined if the search has none. */
  readonly period: number | undefined;
  matches(metric: MetricId): boolean;
}

type Matcher = (metric: MetricId) => boolean;

/** Source: user guide, "Search expression limits". */
const mostCharacters = 1_024;

/**
 * Reads a search.
 * @throws MetricMathError if CloudWatch does not accept it
 */
export function metricSearch(parts: { text: string; statistic: string; seconds: number | undefined }): MetricSearch {
  const { text, statistic: name, seconds } = parts;
  const statistic = statisticOfName(name);
  if (statistic === undefined) throw new MetricMathError(`SEARCH has no statistic '${name}'.`);
  if (text.length > mostCharacters) {
    throw new MetricMathError(`A search expression must not have more than ${mostCharacters} characters.`);
  }
  const period = seconds === undefined ? undefined : seconds * 1_000;
  return { statistic, period, matches: new SearchParser(text).parse() };
}

interface Token {
  readonly kind: "end" | "quoted" | "symbol" | "word";
  readonly text: string;
}

const tokenPattern = /\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<symbol>[{}(),=])|(?<word>[^\s"{}(),=]+))/y;

class SearchParser {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = this.#tokenize();
  }

  parse(): Matcher {
    const schema = this.#take("{") ? this.#schema() : undefined;
    // The guide's examples have a comma after the schema, or none.
    if (schema !== undefined) this.#take(",");
    const isEnd = this.#next.kind === "end";
    if (isEnd && schema === undefined) throw new MetricMathError("A search needs a metric schema or a search term.");
    const term = isEnd ? undefined : this.#or(undefined);
    if (this.#next.kind !== "end") throw this.#unexpected();
    return (metric) => (schema?.(metric) ?? true) && (term?.(metric) ?? true);
  }

  #tokenize(): Token[] {
    const tokens: Token[] = [];
    tokenPattern.lastIndex = 0;
    while (this.#text.slice(tokenPattern.lastIndex).trim() !== "") {
      const start = tokenPattern.lastIndex;
      const { quoted, symbol, word } = tokenPattern.exec(this.#text)?.groups ?? {};
      if (quoted !== undefined) tokens.push({ kind: "quoted", text: quoted.replaceAll(/\\(.)/g, "$1") });
      else if (symbol !== undefined) tokens.push({ kind: "symbol", text: symbol });
      else if (word !== undefined) tokens.push({ kind: "word", text: word });
      else throw new MetricMathError(`Unexpected character in search '${this.#text}' at position ${start + 1}.`);
    }
    return tokens;
  }

  get #next(): Token {
    return this.#tokens[this.#index] ?? { kind: "end", text: "the end" };
  }

  #take(text: string): boolean {
    const isNext = (this.#next.kind === "symbol" || this.#next.kind === "word") && this.#next.text === text;
    if (isNext) this.#index += 1;
    return isNext;
  }

  #unexpected(): MetricMathError {
    return new MetricMathError(`Unexpected '${this.#next.text}' in search '${this.#text}'.`);
  }

  /** Reads a schema: a namespace, then the names of all dimensions; without any, metrics with any dimensions match. */
  #schema(): Matcher {
    const names: string[] = [];
    do names.push(this.#name());
    while (this.#take(","));
    if (!this.#take("}")) throw this.#unexpected();
    const [namespace, ...dimensions] = names;
    return (metric) => {
      if (metric.namespace !== namespace) return false;
      const given = Object.keys(metric.dimensions);
      if (dimensions.length === 0) return true;
      return given.length === dimensions.length && dimensions.every((name) => given.includes(name));
    };
  }

  #name(): string {
    const { kind, text } = this.#next;
    if (kind !== "quoted" && kind !== "word") throw this.#unexpected();
    this.#index += 1;
    return text;
  }

  /** Reads a term; AND binds tighter than OR, which the guide's examples agree with. */
  #or(property: string | undefined): Matcher {
    const terms = [this.#and(property)];
    while (this.#take("OR")) terms.push(this.#and(property));
    return (metric) => terms.some((term) => term(metric));
  }

  #and(property: string | undefined): Matcher {
    const terms = [this.#not(property)];
    for (;;) {
      const isExplicit = this.#take("AND");
      const { kind, text } = this.#next;
      const isTerm = kind === "quoted" || (kind === "word" && text !== "OR") || text === "(";
      if (!isTerm || kind === "end") {
        if (isExplicit) throw this.#unexpected();
        return (metric) => terms.every((term) => term(metric));
      }
      terms.push(this.#not(property));
    }
  }

  #not(property: string | undefined): Matcher {
    if (!this.#take("NOT")) return this.#primary(property);
    const excluded = this.#not(property);
    return (metric) => !excluded(metric);
  }

  #primary(property: string | undefined): Matcher {
    if (this.#take("(")) {
      const inner = this.#or(property);
      if (!this.#take(")")) throw this.#unexpected();
      return inner;
    }
    const isExact = this.#next.kind === "quoted";
    const text = this.#name();
    if (this.#take("=")) {
      if (property !== undefined) throw this.#unexpected();
      if (text.startsWith(":aws."))
        throw new UnimplementedMetricMathError(`${text} in SEARCH (metrics of other accounts)`);
      return this.#primary(text);
    }
    const matches = isExact ? (candidate: string) => candidate === text : partialMatch(text);
    return (metric) => candidates(metric, property).some(matches);
  }
}

/** Returns the texts of a metric that a term is compared with: all, or those of a property. */
function candidates({ namespace, name, dimensions }: MetricId, property: string | undefined): readonly string[] {
  if (property === "MetricName") return [name];
  if (property === "Namespace") return [namespace];
  if (property === undefined) return [namespace, name, ...Object.entries(dimensions).flat()];
  const value = Object.hasOwn(dimensions, property) ? dimensions[property] : undefined;
  return value === undefined ? [] : [value];
}

/** Splits a text at changes of case, at digits and at other characters: `SDBFailure` into `SDB` and `Failure`. */
function parts(text: string): readonly string[] {
  return text.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? [];
}

function joined(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/**
 * Returns the comparison of a term without quotes. One part matches regardless of case. Several parts match if they are
 * consecutive in the name: with their case, or, if other characters separate them, regardless of it (the guide's
 * examples `Count1` and `network/errors`). The whole name matches regardless of case.
 */
function partialMatch(term: string): (candidate: string) => boolean {
  const wanted = parts(term);
  if (wanted.length === 0) throw new MetricMathError(`The search term '${term}' has no letter or digit.`);
  const isSeparated = /[A-Za-z0-9][^A-Za-z0-9]+[A-Za-z0-9]/.test(term);
  const ignoresCase = wanted.length === 1 || isSeparated;
  const folded = (texts: readonly string[]): readonly string[] =>
    ignoresCase ? texts.map((text) => text.toLowerCase()) : texts;
  const sought = folded(wanted);
  return (candidate) => {
    if (wanted.length > 1 && joined(candidate) === joined(term)) return true;
    if (wanted.length === 1 && joined(candidate) === sought[0]) return true;
    const given = folded(parts(candidate));
    return given.some((_, start) => sought.every((text, index) => given[start + index] === text));
  };
}
