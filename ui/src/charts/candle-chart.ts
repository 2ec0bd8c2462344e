/** Candles and volume. The bars live here and in lightweight-charts, and nowhere else. */
import {
  type CandlestickData,
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  type HistogramData,
  HistogramSeries,
  type IChartApi,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type MouseEventParams,
  type Time,
  type UTCTimestamp,
} from "lightweight-charts";
import type { BarView } from "../feeds/bars";
import { formatPlotPrice, priceDecimals } from "../shared/number";
import { formatMinute } from "../shared/time";
import { isOnBar, keptRange, lowerBound, placeBar, type PlotBar } from "./bars";
import { GapShade } from "./gap-shade";
import { broughtIntoView, type MatchScene } from "./match";
import { MatchOverlay } from "./match-overlay";
import { NoteMarkers } from "./note-markers";
import { OrderLines, type OrderLineEvents } from "./order-lines";
import { type FillMark, type OrderLine, tickDecimals } from "./orders";
import { type Palette, withAlpha } from "./palette";

export interface ChartEvents extends OrderLineEvents {
  /** The bar under the pointer, or null when there is none. */
  hover(bar: PlotBar | null): void;
  /** A bar was clicked, with nothing held and no drag. */
  chosen(bar: PlotBar): void;
  /** The view is near the oldest bar held. */
  nearOldest(): void;
  /** Whether the newest bar is in view. */
  newestInView(inView: boolean): void;
  /** Whether the oldest bar held is in view. */
  oldestInView(inView: boolean): void;
}

const BAR_SPACING = 7;
/** Empty bars kept right of the newest while the view follows it. */
const RIGHT_MARGIN = 6;
/** Ask for older bars when fewer than these are left of the view. */
const NEAR = 80;

export class CandleChart implements BarView {
  readonly #chart: IChartApi;
  readonly #candles: ISeriesApi<"Candlestick">;
  readonly #volume: ISeriesApi<"Histogram">;
  readonly #gaps = new GapShade(() => this.#bars);
  readonly #fills: ISeriesMarkersPluginApi<Time>;
  readonly #orders: OrderLines;
  readonly #match: MatchOverlay;
  readonly notes: NoteMarkers;
  /** The match that lies over the bars. */
  #laid: string | null = null;
  /** The view was moved to show it. */
  #movedForMatch = false;
  #bringing = 0;
  /** The fills among the bars that are held. */
  #marks: (bars: readonly PlotBar[]) => FillMark[] = () => [];
  #bars: PlotBar[] = [];
  #palette: Palette;
  #decimals = 2;
  #newestInView = true;
  #oldestInView = false;

  constructor(
    private readonly container: HTMLElement,
    palette: Palette,
    locale: string,
    private readonly events: ChartEvents,
  ) {
    this.#palette = palette;
    this.#chart = createChart(container, {
      autoSize: true,
      localization: { locale, timeFormatter: (time: Time) => formatMinute(Number(time) * 1000) },
      rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.1, bottom: 0.24 }, minimumWidth: 76 },
      timeScale: {
        borderVisible: false,
        timeVisible: true,
        secondsVisible: false,
        barSpacing: BAR_SPACING,
        minBarSpacing: 0.8,
        rightOffset: RIGHT_MARGIN,
        // The view is moved here and not by the library, so that stepping back and forth leaves it alone.
        shiftVisibleRangeOnNewBar: false,
      },
      crosshair: { mode: 0 },
    });
    this.#candles = this.#chart.addSeries(CandlestickSeries, { priceLineStyle: 2, borderVisible: true });
    this.#candles.attachPrimitive(this.#gaps);
    this.#match = new MatchOverlay(() => this.#bars, palette);
    this.#candles.attachPrimitive(this.#match);
    this.notes = new NoteMarkers(() => this.#bars, container, palette);
    this.#candles.attachPrimitive(this.notes);
    this.#fills = createSeriesMarkers(this.#candles, []);
    this.#orders = new OrderLines(this.#candles, container, palette, () => tickDecimals(this.#bars), events);
    this.#volume = this.#chart.addSeries(HistogramSeries, { priceScaleId: "", lastValueVisible: false, priceLineVisible: false });
    this.#volume.priceScale().applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.#chart.subscribeCrosshairMove((at) => {
      this.events.hover(at.time === undefined ? null : this.#at(Number(at.time) * 1000));
      container.classList.toggle("over-bar", this.#clickable(at) !== null);
    });
    // The library tells of no click after a drag.
    this.#chart.subscribeClick((at) => {
      const bar = this.#clickable(at);
      if (bar) this.events.chosen(bar);
    });
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (!range || this.#bars.length === 0) return;
      this.#tellNewest(range.to >= this.#bars.length - 1.5);
      this.#tellOldest(range.from < 0.5);
      if (range.from < NEAR) this.events.nearOldest();
    });
    this.paint(palette);
  }

  destroy() {
    cancelAnimationFrame(this.#bringing);
    this.#orders.destroy();
    this.notes.destroy();
    this.#chart.remove();
  }

  held(): readonly PlotBar[] {
    return this.#bars;
  }

  newest(): PlotBar | null {
    return this.#bars[this.#bars.length - 1] ?? null;
  }

  get decimals(): number {
    return this.#decimals;
  }

  reach(): number {
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    return range ? Math.ceil(this.#bars.length - Math.max(0, range.from)) : 0;
  }

  paint(palette: Palette) {
    this.#palette = palette;
    this.#gaps.colour = withAlpha(palette.down, 0.14);
    this.#chart.applyOptions({
      layout: { background: { color: palette.panel }, textColor: palette.dim, fontSize: 11, fontFamily: palette.mono, attributionLogo: true },
      grid: { vertLines: { color: withAlpha(palette.line, 0.45) }, horzLines: { color: withAlpha(palette.line, 0.8) } },
      crosshair: {
        vertLine: { color: palette.faint, labelBackgroundColor: palette.faint },
        horzLine: { color: palette.faint, labelBackgroundColor: palette.faint },
      },
    });
    this.#candles.applyOptions({
      upColor: palette.up,
      downColor: palette.down,
      borderUpColor: palette.up,
      borderDownColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
    });
    this.#orders.paint(palette);
    this.#match.paint(palette);
    this.notes.paint(palette);
    if (this.#bars.length > 0) this.#setAll();
  }

  showOrders(lines: readonly OrderLine[]) {
    this.#orders.show(lines);
  }

  /** Lays a match over the bars and brings all of it into view, or takes it away. */
  showMatch(scene: MatchScene | null) {
    this.#match.show(scene);
    // A canvas can not be read: what lies on it is said here too.
    this.container.dataset.match = scene?.id ?? "";
    const another = scene !== null && scene.id !== this.#laid;
    this.#laid = scene?.id ?? null;
    cancelAnimationFrame(this.#bringing);
    if (scene) {
      // The library moves its view when it paints: before, it says where the view was.
      this.#bringing = requestAnimationFrame(() => this.#bringMatch(another));
    } else if (this.#movedForMatch) {
      this.#movedForMatch = false;
      this.showNewest();
    }
  }

  /** What the tape has left behind is not gone back to, nor is a view turned that looks at older bars. */
  #bringMatch(another: boolean) {
    const [reach, range] = [this.#match.reach(), this.#chart.timeScale().getVisibleLogicalRange()];
    if (!reach || !range || reach.to < this.#bars.length - 1 || !(another || this.#newestInView)) return;
    const view = broughtIntoView(range, reach, RIGHT_MARGIN);
    if (!view) return;
    this.#movedForMatch = true;
    this.#chart.timeScale().setVisibleLogicalRange(view);
  }

  /** Marks the ends of the matched hours. */
  markMatches(timesMs: readonly number[]) {
    this.#match.mark(timesMs);
    this.container.dataset.matches = String(timesMs.length);
  }

  /** `marks` is asked again whenever other bars are held. */
  showFills(marks: (bars: readonly PlotBar[]) => FillMark[]) {
    this.#marks = marks;
    this.#setFills();
  }

  replace(bars: PlotBar[], keep: boolean) {
    const scale = this.#chart.timeScale();
    const range = keep ? scale.getVisibleLogicalRange() : null;
    const kept = range ? keptRange(range, this.#bars, bars) : null;
    this.#bars = bars;
    this.#setDecimals();
    this.#setAll();
    this.#sayNewest();
    if (kept) scale.setVisibleLogicalRange(kept);
    else this.showNewest();
    if (!keep) this.#candles.priceScale().applyOptions({ autoScale: true });
  }

  prepend(bars: PlotBar[]) {
    // The library anchors the view to the newest bar, which does not move.
    this.#bars = bars;
    this.#setAll();
  }

  update(changed: PlotBar[]) {
    const wasNewest = this.#bars.length - 1;
    const range = this.#chart.timeScale().getVisibleLogicalRange();
    for (const bar of changed) {
      const placed = placeBar(this.#bars, bar);
      if (placed === "unknown") continue;
      if (this.#bars.length === 1) this.#setDecimals();
      this.#candles.update(this.#candle(bar), placed === "revised");
      this.#volume.update(this.#volumeBar(bar), placed === "revised");
    }
    if (this.#bars.length - 1 > wasNewest) {
      this.#follow(range, wasNewest);
      this.#setFills();
      this.#sayNewest();
    }
  }

  /** For whoever can not see the canvas. */
  #sayNewest() {
    const newest = this.newest();
    this.container.dataset.newest = newest ? new Date(newest.timeMs).toISOString().slice(0, 16).replace("T", " ") : "";
  }

  showNewest() {
    const scale = this.#chart.timeScale();
    scale.applyOptions({ barSpacing: BAR_SPACING });
    scale.scrollToPosition(RIGHT_MARGIN, false);
    this.#tellNewest(true);
  }

  /** Keeps the margin right of the newest bar, if that bar was in view. */
  #follow(range: { from: number; to: number } | null, wasNewest: number) {
    if (!range || wasNewest > range.to) return;
    const scale = this.#chart.timeScale();
    if (scale.scrollPosition() < RIGHT_MARGIN) scale.scrollToPosition(RIGHT_MARGIN, false);
  }

  #at(timeMs: number): PlotBar | null {
    const bar = this.#bars[lowerBound(this.#bars, timeMs)];
    return bar?.timeMs === timeMs ? bar : null;
  }

  /** The bar that a click there is about. Lines of orders are above the bars. */
  #clickable({ time, point, paneIndex, sourceEvent }: MouseEventParams<Time>): PlotBar | null {
    const held = sourceEvent && (sourceEvent.altKey || sourceEvent.ctrlKey || sourceEvent.metaKey || sourceEvent.shiftKey);
    const bar = time === undefined ? null : this.#at(Number(time) * 1000);
    if (!bar || !point || held || (paneIndex ?? 0) !== 0 || this.#orders.isAt(point.y) || this.notes.isAt(point.x, point.y)) return null;
    const [top, bottom, volume] = [this.#candles.priceToCoordinate(bar.high), this.#candles.priceToCoordinate(bar.low), this.#volume.priceToCoordinate(bar.volume)];
    if (top === null || bottom === null) return null;
    return isOnBar(point.y, top, bottom, volume ?? Infinity) ? bar : null;
  }

  #tellNewest(inView: boolean) {
    if (inView === this.#newestInView) return;
    this.#newestInView = inView;
    this.events.newestInView(inView);
  }

  #tellOldest(inView: boolean) {
    if (inView === this.#oldestInView) return;
    this.#oldestInView = inView;
    this.events.oldestInView(inView);
  }

  #setDecimals() {
    const price = this.newest()?.close;
    if (price === undefined) return;
    const decimals = priceDecimals(price);
    this.#decimals = decimals;
    const formatter = (value: number) => formatPlotPrice(value, decimals);
    this.#candles.applyOptions({ priceFormat: { type: "custom", minMove: 10 ** -decimals, formatter } });
  }

  #setAll() {
    this.#candles.setData(this.#bars.map((bar) => this.#candle(bar)));
    this.#volume.setData(this.#bars.map((bar) => this.#volumeBar(bar)));
    this.#setFills();
  }

  #setFills() {
    const marks = this.#marks(this.#bars);
    // A canvas can not be read: what is marked on it is said here too.
    for (const side of ["buy", "sell"] as const) {
      const fills = marks.filter((mark) => mark.side === side).reduce((sum, mark) => sum + mark.fills, 0);
      this.container.dataset[side === "buy" ? "bought" : "sold"] = String(fills);
    }
    this.#fills.setMarkers(
      marks.map(({ timeMs, side, fills }) => ({
        time: (timeMs / 1000) as UTCTimestamp,
        position: side === "buy" ? ("belowBar" as const) : ("aboveBar" as const),
        shape: side === "buy" ? ("arrowUp" as const) : ("arrowDown" as const),
        color: side === "buy" ? this.#palette.up : this.#palette.down,
        text: fills > 1 ? `×${fills}` : undefined,
      })),
    );
  }

  /** A forming bar is pale: it may still change. */
  #candle({ timeMs, open, high, low, close, quality }: PlotBar): CandlestickData<Time> {
    const candle = { time: (timeMs / 1000) as UTCTimestamp, open, high, low, close };
    if (quality !== "forming") return candle;
    const colour = close >= open ? this.#palette.up : this.#palette.down;
    return { ...candle, color: withAlpha(colour, 0.25), borderColor: withAlpha(colour, 0.8), wickColor: withAlpha(colour, 0.6) };
  }

  #volumeBar({ timeMs, open, close, volume, quality }: PlotBar): HistogramData<Time> {
    const colour = close >= open ? this.#palette.up : this.#palette.down;
    return { time: (timeMs / 1000) as UTCTimestamp, value: volume, color: withAlpha(colour, quality === "forming" ? 0.25 : 0.45) };
  }
}
