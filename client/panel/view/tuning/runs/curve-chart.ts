/**
 * The chart of runs, a custom element, so that it lives as long as it is in the page. On uPlot: 50 kB, on a
 * canvas, and it draws thousands of points in a few milliseconds; what has more is thinned before (curves.ts), which
 * SVG libraries would need far sooner.
 */
import uPlot from "uplot";
import { aligned, decimated, type Line, type Mark } from "./curves.ts";
import { figure } from "./run-state.ts";

/** The chart's lines and marks, and whether its scale is logarithmic. */
export interface CurveData {
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
  readonly log: boolean;
}

/** `<spanfill-curves .data=${...}>`: fills its place and follows its size and the theme. */
export class CurveChart extends HTMLElement {
  private plot: uPlot | undefined;
  private shown: CurveData | undefined;
  private readonly sizes = new ResizeObserver(() => this.resized());
  private readonly themes = new MutationObserver(() => this.rebuild());

  connectedCallback(): void {
    this.sizes.observe(this);
    this.themes.observe(document.body, { attributeFilter: ["class"] });
    this.rebuild();
  }

  disconnectedCallback(): void {
    this.sizes.disconnect();
    this.themes.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
  }

  /** Draws; the axes and lines are made anew only when there are others. */
  set data(data: CurveData) {
    const before = this.shown;
    if (before?.lines === data.lines && before.marks === data.marks && before.log === data.log) return;
    this.shown = data;
    const kind = ({ lines, log }: CurveData) => `${log} ${lines.map(({ run, style }) => `${run}${style}`).join(" ")}`;
    if (this.plot === undefined || before === undefined || kind(before) !== kind(data)) this.rebuild();
    else this.plot.setData(this.columns(data));
  }

  private columns({ lines, log }: CurveData): uPlot.AlignedData {
    const parts = Math.max(200, Math.round(this.clientWidth));
    const drawn = lines.map(({ x, y }) => {
      const thin = decimated(x, y, parts);
      // A logarithm has no place for zero.
      return log ? { x: thin.x, y: thin.y.map((value) => (value > 0 ? value : Number.NaN)) } : thin;
    });
    return aligned(drawn) as uPlot.AlignedData;
  }

  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    const { shown } = this;
    if (!this.isConnected || shown === undefined || shown.lines.length === 0) return;
    const axis = {
      stroke: color("foreground"),
      grid: { stroke: "#80808033", width: 1 },
      ticks: { show: false },
      font: FONT,
    };
    const options: uPlot.Options = {
      ...this.size(),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false },
        y: shown.log ? { distr: 3, range: (_, least, most) => [least / 1.1, most * 1.1] } : {},
      },
      axes: [
        {
          ...axis,
          space: 60,
          values: (_, splits) => splits.map((split) => (Number.isInteger(split) ? figure(split) : "")),
        },
        {
          ...axis,
          size: 56,
          // Of a curve within a decade or so every line has its number.
          ...(shown.log && { filter: ({ scales: { y } }, splits) => (isShort(y) ? splits : splits.map(ofTen)) }),
          values: (_, splits) => splits.map((split) => (split === null ? "" : figure(split))),
        },
      ],
      series: [{}, ...shown.lines.map(seriesOf)],
      hooks: { draw: [(plot) => this.drawMarks(plot)] },
    };
    this.plot = new uPlot(options, this.columns(shown), this);
  }

  /** Upright lines where something happened, with a small flag on top. */
  private drawMarks({ ctx, bbox, valToPos, scales }: uPlot): void {
    ctx.save();
    ctx.strokeStyle = color("foreground");
    ctx.fillStyle = ctx.strokeStyle;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { step } of this.shown?.marks ?? []) {
      if (step < (scales["x"]?.min ?? 0) || step > (scales["x"]?.max ?? 0)) continue;
      const x = valToPos(step, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.fillRect(x, bbox.top, 6 * devicePixelRatio, 5 * devicePixelRatio);
    }
    ctx.restore();
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(this.clientWidth, 200), height: Math.max(this.clientHeight, 160) };
  }

  private resized(): void {
    const { width, height } = this.size();
    if (this.plot !== undefined && (this.plot.width !== width || this.plot.height !== height)) {
      this.plot.setSize({ width, height });
    }
  }
}

if (customElements.get("spanfill-curves") === undefined) customElements.define("spanfill-curves", CurveChart);

const FONT = "12px system-ui, sans-serif";
/** The runs' colors, in order; the legend's classes c0 to c4 have the same. */
const COLORS = ["charts-blue", "charts-orange", "charts-green", "charts-purple", "charts-red"];
/** Dashes distinguish lines without colors. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5]];

function seriesOf({ run, style }: Line): uPlot.Series {
  const stroke = color(COLORS[run % COLORS.length] ?? "foreground");
  const common = { stroke, spanGaps: true, dash: [...(DASHES[run % DASHES.length] ?? [])] };
  if (style === "faint") return { ...common, dash: [], width: 1, alpha: 0.35, points: { show: false } };
  if (style === "solid") return { ...common, width: 2, points: { show: false } };
  return { ...common, width: 1, points: { show: true, size: 8, stroke, fill: stroke } };
}

function isShort(scale: uPlot.Scale | undefined): boolean {
  return (scale?.max ?? 1) / (scale?.min ?? 1) < 30;
}

/** Powers of ten keep their numbers. */
function ofTen(split: number): number | null {
  return Number.isInteger(Math.round(1e9 * Math.log10(split)) / 1e9) ? split : null;
}

function color(name: string): string {
  return getComputedStyle(document.body).getPropertyValue(`--vscode-${name}`).trim() || "#888888";
}
