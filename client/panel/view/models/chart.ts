/**
 * The scaling chart on uPlot: 50 kB, on a canvas, and quick enough for the 100,000 points of a training curve, which
 * the SVG of other libraries is not.
 */

import uPlot from "uplot";
import { t } from "../ui/texts.ts";
import type { ChartData, Point } from "./chart-data.ts";

/** The labels beside the points. */
export interface ChartLabels {
  readonly cost: string;
  readonly quality: string;
  /** The id of the model that has a ring. */
  readonly selected: string;
}

/** A chart in an element, which it fills and whose size it follows. */
export class ScalingChart {
  private readonly element: HTMLElement;
  private readonly select: (id: string) => void;
  private readonly observers: { disconnect(): void }[] = [];
  private readonly tip: HTMLElement;
  private plot: uPlot | undefined;
  private data: ChartData | undefined;
  private labels: ChartLabels | undefined;

  /** @param select is called with a model's id when its point is clicked */
  constructor(element: HTMLElement, select: (id: string) => void) {
    this.element = element;
    this.select = select;
    this.tip = document.createElement("div");
    this.tip.className = "tip";
    this.tip.hidden = true;
    element.append(this.tip);
    const sizes = new ResizeObserver(() => this.plot?.setSize(this.size()));
    sizes.observe(element);
    // Another theme: other colors.
    const themes = new MutationObserver(() => this.redraw());
    themes.observe(document.body, { attributeFilter: ["class"] });
    this.observers.push(sizes, themes);
    element.addEventListener("mousemove", (event) => this.hover(event));
    element.addEventListener("mouseleave", () => this.hover(undefined));
    element.addEventListener("click", (event) => {
      const point = this.nearest(event);
      if (point !== undefined) this.select(point.id);
    });
  }

  /** Draws; the axes are made anew only when they change. */
  show(data: ChartData, labels: ChartLabels): void {
    const same =
      data.points.length === this.data?.points.length &&
      labels.cost === this.labels?.cost &&
      labels.quality === this.labels.quality;
    this.data = data;
    this.labels = labels;
    if (same && this.plot !== undefined) this.plot.setData(this.series());
    else this.redraw();
  }

  /** Ends it. */
  dispose(): void {
    for (const observer of this.observers) observer.disconnect();
    this.plot?.destroy();
    this.tip.remove();
  }

  private redraw(): void {
    const { data, labels } = this;
    this.plot?.destroy();
    this.plot = undefined;
    if (data === undefined || labels === undefined || data.points.length === 0) return;
    const color = (name: string) => getComputedStyle(document.body).getPropertyValue(`--vscode-${name}`) || "#888888";
    const text = color("foreground");
    const axis = {
      stroke: text,
      grid: { stroke: "#80808033", width: 1 },
      ticks: { show: false },
      font: FONT,
      labelFont: FONT,
    };
    const points = (size: number, fill: string) => ({ show: true, size, fill, stroke: fill });
    const options: uPlot.Options = {
      ...this.size(),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: 3, range: (_, least, most) => [least / 1.3, most * 1.3] },
        y: { range: () => this.range() },
      },
      axes: [
        {
          ...axis,
          label: labels.cost,
          splits: (plot, _axis, least, most) => steps(least, most, plot.width < NARROW_PX ? [1] : [1, 2, 5]),
          filter: (_, splits) => splits,
          values: (_, splits) => splits.map((split) => (split === null ? "" : short(split))),
        },
        {
          ...axis,
          label: labels.quality,
          size: 56,
          values: (_, splits) => splits.map((split) => (split < this.lowest() ? "" : String(split))),
        },
      ],
      series: [
        {},
        { stroke: color("disabledForeground"), paths: () => null, points: points(4, color("disabledForeground")) },
        { stroke: color("charts-green"), width: 2, spanGaps: true, points: { show: false } },
        { stroke: color("charts-blue"), paths: () => null, points: points(9, color("charts-blue")) },
      ],
      hooks: { draw: [(plot) => this.ring(plot, color("focusBorder"))] },
    };
    this.plot = new uPlot(options, this.series(), this.element);
  }

  /** Costs; the strip of unknown ones; the front; the known ones. */
  private series(): uPlot.AlignedData {
    const { points, front } = this.data ?? { points: [], front: [] };
    const onFront = new Set(front.map(({ id }) => id));
    const strip = this.strip();
    return [
      points.map(({ cost }) => cost),
      points.map(({ quality }) => (quality === undefined ? strip : null)),
      points.map(({ id, quality }) => (quality !== undefined && onFront.has(id) ? quality : null)),
      points.map(({ quality }) => quality ?? null),
    ];
  }

  private ring({ ctx, valToPos }: uPlot, stroke: string): void {
    const point = this.data?.points.find(({ id }) => id === this.labels?.selected);
    if (point === undefined) return;
    ctx.save();
    ctx.strokeStyle = stroke;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    ctx.arc(
      valToPos(point.cost, "x", true),
      valToPos(point.quality ?? this.strip(), "y", true),
      9 * devicePixelRatio,
      0,
      2 * Math.PI,
    );
    ctx.stroke();
    ctx.restore();
  }

  private qualities(): readonly number[] {
    return (this.data?.points ?? []).flatMap(({ quality }) => quality ?? []);
  }

  private lowest(): number {
    return this.qualities().length === 0 ? 0 : Math.min(...this.qualities());
  }

  private span(): number {
    return this.qualities().length === 0 ? 1 : Math.max(Math.max(...this.qualities()) - this.lowest(), 1);
  }

  private range(): [number, number] {
    return [this.lowest() - 0.2 * this.span(), this.lowest() + 1.1 * this.span()];
  }

  private strip(): number {
    return this.lowest() - 0.14 * this.span();
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(this.element.clientWidth, 200), height: Math.max(this.element.clientHeight, 160) };
  }

  private nearest({ clientX, clientY }: MouseEvent): Point | undefined {
    const { plot, data } = this;
    if (plot === undefined || data === undefined) return undefined;
    const { left, top } = plot.over.getBoundingClientRect();
    let best: Point | undefined;
    let least = REACH_PX;
    for (const point of data.points) {
      const x = plot.valToPos(point.cost, "x") - (clientX - left);
      const y = plot.valToPos(point.quality ?? this.strip(), "y") - (clientY - top);
      const far = Math.hypot(x, y);
      if (far < least) [best, least] = [point, far];
    }
    return best;
  }

  private hover(event: MouseEvent | undefined): void {
    const point = event && this.nearest(event);
    this.tip.hidden = point === undefined;
    this.element.style.cursor = point === undefined ? "" : "pointer";
    if (point === undefined || event === undefined) return;
    this.tip.textContent = `${point.id}: ${short(point.cost)}, ${point.quality ?? t("quality unknown")}`;
    const { left, top, width } = this.element.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - left + 12, width - this.tip.offsetWidth)}px`;
    this.tip.style.top = `${event.clientY - top + 14}px`;
  }
}

const FONT = "12px system-ui, sans-serif";
const REACH_PX = 14;
/** Below this width there is room for one label a decade. */
const NARROW_PX = 560;

/** Round costs between two: some steps of every decade. */
function steps(least: number, most: number, ofDecade: readonly number[]): number[] {
  const ticks: number[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(least)); decade <= most; decade *= 10) {
    for (const step of ofDecade) if (step * decade >= least && step * decade <= most) ticks.push(step * decade);
  }
  return ticks;
}

/** 61 M, 2.9 B. */
function short(value: number): string {
  const [unit, sign] =
    value >= 1e12
      ? [1e12, " T"]
      : value >= 1e9
        ? [1e9, " B"]
        : value >= 1e6
          ? [1e6, " M"]
          : value >= 1e3
            ? [1e3, " k"]
            : [1, ""];
  return `${Number((value / unit).toPrecision(3))}${sign}`;
}
