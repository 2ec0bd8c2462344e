/** Draws a match over the live hour: its hour, what followed it as a path ahead, and the fan of what came next; and where other matches ended. */
import type { AutoscaleInfo, IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesApi, ISeriesPrimitive, Logical, SeriesAttachedParameter, Time } from "lightweight-charts";
import type { PlotBar } from "./bars";
import { type FanSlice, logicalAt, type MatchScene, type Point } from "./match";
import { type Palette, withAlpha } from "./palette";

type Place = { x: number; y: number };

export class MatchOverlay implements ISeriesPrimitive<Time> {
  #scene: MatchScene | null = null;
  #marks: readonly number[] = [];
  #attached: SeriesAttachedParameter<Time> | null = null;

  constructor(
    private readonly held: () => readonly PlotBar[],
    private palette: Palette,
  ) {}

  attached(attached: SeriesAttachedParameter<Time>) {
    this.#attached = attached;
  }

  detached() {
    this.#attached = null;
  }

  show(scene: MatchScene | null) {
    this.#scene = scene;
    this.#attached?.requestUpdate();
  }

  /** Ends of the matched hours that lie among the bars. */
  mark(timesMs: readonly number[]) {
    this.#marks = timesMs;
    this.#attached?.requestUpdate();
  }

  paint(palette: Palette) {
    this.palette = palette;
    this.#attached?.requestUpdate();
  }

  /** From the first point to the last, as places among the bars. */
  reach(): { from: number; to: number } | null {
    const points = this.#scene ? [...this.#scene.window, ...this.#scene.ahead, ...this.#scene.fan] : [];
    if (points.length === 0) return null;
    const times = points.map(({ timeMs }) => timeMs);
    return { from: logicalAt(this.held(), Math.min(...times)), to: logicalAt(this.held(), Math.max(...times)) };
  }

  /** What is in view is not cut off above or below. */
  autoscaleInfo(from: Logical, to: Logical): AutoscaleInfo | null {
    const reach = this.reach();
    if (!this.#scene || !reach || reach.to < from || reach.from > to) return null;
    return { priceRange: { minValue: this.#scene.low, maxValue: this.#scene.high } };
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  readonly #renderer: IPrimitivePaneRenderer = {
    draw: (target) =>
      target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        const attached = this.#attached;
        if (!attached || this.held().length === 0) return;
        const chart = attached.chart as IChartApi;
        const series = attached.series as ISeriesApi<"Candlestick">;
        const scale = chart.timeScale();
        const spacing = scale.options().barSpacing;
        // The library knows a place for whole bars alone.
        const xOf = (timeMs: number) => {
          const logical = logicalAt(this.held(), timeMs);
          const x = scale.logicalToCoordinate(Math.floor(logical) as Logical);
          return x === null ? null : x + (logical - Math.floor(logical)) * spacing;
        };
        const yOf = (price: number) => series.priceToCoordinate(price);
        this.#drawMarks(context, mediaSize, xOf);
        if (this.#scene) this.#drawScene(context, mediaSize.height, this.#scene, xOf, yOf);
      }),
  };

  readonly #views: readonly IPrimitivePaneView[] = [{ zOrder: () => "top", renderer: () => this.#renderer }];

  #drawMarks(context: CanvasRenderingContext2D, { width, height }: { width: number; height: number }, xOf: (timeMs: number) => number | null) {
    const bars = this.held();
    context.strokeStyle = withAlpha(this.palette.match, 0.55);
    context.fillStyle = this.palette.match;
    context.lineWidth = 1;
    for (const timeMs of this.#marks) {
      if (timeMs < bars[0]!.timeMs || timeMs > bars.at(-1)!.timeMs) continue;
      const x = xOf(timeMs);
      if (x === null || x < 0 || x > width) continue;
      line(context, [{ x, y: MARK_TOP }, { x, y: height }], [3, 4]);
      context.beginPath();
      context.arc(x, MARK_TOP, 3, 0, 2 * Math.PI);
      context.fill();
    }
  }

  #drawScene(context: CanvasRenderingContext2D, height: number, scene: MatchScene, xOf: (timeMs: number) => number | null, yOf: (price: number) => number | null) {
    const { match, panel } = this.palette;
    const placed = (points: readonly Point[]): Place[] =>
      points.flatMap(({ timeMs, price }) => {
        const [x, y] = [xOf(timeMs), yOf(price)];
        return x === null || y === null ? [] : [{ x, y }];
      });
    const edge = (slices: readonly FanSlice[], quantile: number) => placed(slices.map(({ timeMs, prices }) => ({ timeMs, price: prices[quantile]! })));
    if (scene.fan.length > 0) {
      band(context, edge(scene.fan, 0), edge(scene.fan, 4), withAlpha(match, 0.1));
      band(context, edge(scene.fan, 1), edge(scene.fan, 3), withAlpha(match, 0.16));
      context.strokeStyle = withAlpha(match, 0.6);
      context.lineWidth = 1;
      line(context, edge(scene.fan, 2), [1, 3]);
      this.#sayMinutes(context, height, scene, xOf);
    }
    // An edge in the colour of the surface keeps the lines apart from the candles.
    for (const { points, dash } of [{ points: placed(scene.window), dash: [] }, { points: placed(scene.ahead), dash: [5, 3] }]) {
      context.strokeStyle = withAlpha(panel, 0.7);
      context.lineWidth = 4;
      line(context, points, []);
      context.strokeStyle = match;
      context.lineWidth = 1.75;
      line(context, points, dash);
    }
  }

  #sayMinutes(context: CanvasRenderingContext2D, height: number, { fan }: MatchScene, xOf: (timeMs: number) => number | null) {
    context.font = `10px ${this.palette.mono}`;
    context.textAlign = "center";
    const startMs = fan[0]!.timeMs;
    for (const { timeMs } of fan.slice(1)) {
      const x = xOf(timeMs);
      if (x === null) continue;
      context.strokeStyle = withAlpha(this.palette.faint, 0.35);
      context.lineWidth = 1;
      line(context, [{ x, y: 24 }, { x, y: height - 18 }], []);
      context.fillStyle = this.palette.dim;
      context.fillText(`+${Math.round((timeMs - startMs) / 60_000)}`, x, height - 6);
    }
  }
}

/** Below the legend. */
const MARK_TOP = 30;

function line(context: CanvasRenderingContext2D, places: readonly Place[], dash: readonly number[]) {
  context.lineJoin = "round";
  context.setLineDash([...dash]);
  context.beginPath();
  places.forEach(({ x, y }, index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.stroke();
  context.setLineDash([]);
}

function band(context: CanvasRenderingContext2D, low: readonly Place[], high: readonly Place[], colour: string) {
  context.fillStyle = colour;
  context.beginPath();
  [...low, ...[...high].reverse()].forEach(({ x, y }, index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  context.closePath();
  context.fill();
}
