/** Charts of a report page, as plain data: title, unit and marks. */

/** One mark: x in minutes since the start, y in the chart's unit; a null y is a gap. */
export interface Mark {
  readonly x: number;
  readonly y: number | null;
}

/** One line, staircase or set of bars. */
export interface ChartSeries {
  readonly label: string;
  readonly marks: readonly Mark[];
}

/** One chart. */
export interface ChartSpec {
  /** The canvas's id in the page. */
  readonly id: string;
  readonly title: string;
  /** Content of the chart and its metric. */
  readonly caption: string;
  readonly kind: "bars" | "line" | "steps";
  /** Title of the y axis, with the unit. */
  readonly unit: string;
  readonly series: readonly ChartSeries[];
  /** Area below the series, between two lines with the same x. @default none */
  readonly band?: { readonly low: ChartSeries; readonly high: ChartSeries } | undefined;
}
