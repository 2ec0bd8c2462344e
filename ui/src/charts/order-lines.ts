/** Lines of open orders over the candles, which can be dragged to another price, and prices picked with Alt and a click. */
import { type IPriceLine, type ISeriesApi, LineStyle } from "lightweight-charts";
import { lineAt, type OrderLine, priceText } from "./orders";
import type { Palette } from "./palette";

export interface OrderLineEvents {
  /** A line was dropped at another price. Settles when that stands or was refused: until then the line waits where it was dropped. */
  moved(line: OrderLine, price: string): Promise<void>;
  picked(price: string, field: "limit" | "stop"): void;
}

interface Drawn {
  line: OrderLine;
  drawn: IPriceLine;
}

export class OrderLines {
  #lines: Drawn[] = [];
  #held: { id: string; field: OrderLine["field"]; price: number; asking: boolean } | null = null;
  #palette: Palette;
  readonly #gone = new AbortController();

  constructor(
    private readonly series: ISeriesApi<"Candlestick">,
    private readonly container: HTMLElement,
    palette: Palette,
    private readonly decimals: () => number,
    private readonly events: OrderLineEvents,
  ) {
    this.#palette = palette;
    // Before the library sees them: a drag of a line is not a drag of the chart.
    const before = { capture: true, signal: this.#gone.signal };
    container.addEventListener("pointerdown", (event) => this.#down(event), before);
    container.addEventListener("pointermove", (event) => this.#move(event), before);
    container.addEventListener("pointerup", (event) => this.#up(event), before);
    container.addEventListener("pointercancel", () => this.#release(), before);
    for (const kind of ["mousedown", "mousemove", "touchstart", "touchmove"] as const) {
      container.addEventListener(kind, (event) => this.#dragging && event.stopPropagation(), before);
    }
    window.addEventListener("keydown", (event) => this.#press(event), before);
  }

  destroy() {
    this.#gone.abort();
  }

  show(lines: readonly OrderLine[]) {
    const kept = new Map(this.#lines.map((drawn) => [keyOf(drawn.line), drawn]));
    this.#lines = lines.map((line) => {
      const old = kept.get(keyOf(line));
      kept.delete(keyOf(line));
      return { line, drawn: old?.drawn ?? this.series.createPriceLine({ price: line.price }) };
    });
    for (const { drawn } of kept.values()) this.series.removePriceLine(drawn);
    // Filled or cancelled under the hand.
    if (this.#held && !this.#ofHand()) this.#release();
    this.#draw();
  }

  paint(palette: Palette) {
    this.#palette = palette;
    this.#draw();
  }

  /** A line of an order is at this height, one that can not be moved too. */
  isAt(y: number): boolean {
    return lineAt(this.#lines, ({ line }) => this.series.priceToCoordinate(line.price), y) !== null;
  }

  get #dragging(): boolean {
    return this.#held !== null && !this.#held.asking;
  }

  #ofHand(): Drawn | undefined {
    return this.#lines.find(({ line }) => line.id === this.#held?.id && line.field === this.#held.field);
  }

  #draw() {
    for (const { line, drawn } of this.#lines) {
      const held = this.#held?.id === line.id && this.#held.field === line.field ? this.#held : null;
      const colour = line.side === "buy" ? this.#palette.up : this.#palette.down;
      drawn.applyOptions({
        price: held?.price ?? line.price,
        title: held?.asking ? `${line.label} …` : line.label,
        color: colour,
        lineWidth: held ? 2 : 1,
        lineStyle: line.field === "stop" ? LineStyle.Dashed : LineStyle.Solid,
        axisLabelVisible: true,
        axisLabelColor: colour,
        axisLabelTextColor: this.#palette.panel,
      });
    }
  }

  #y(event: PointerEvent): number {
    return event.clientY - this.container.getBoundingClientRect().top;
  }

  #under(event: PointerEvent): Drawn | null {
    const movable = this.#lines.filter(({ line }) => line.draggable);
    return lineAt(movable, ({ line }) => this.series.priceToCoordinate(line.price), this.#y(event));
  }

  #down(event: PointerEvent) {
    if (event.button !== 0 || this.#held) return;
    if (event.altKey) {
      const price = priceText(this.series.coordinateToPrice(this.#y(event)), this.decimals());
      if (price === null) return;
      halt(event);
      this.events.picked(price, event.shiftKey ? "stop" : "limit");
      return;
    }
    const under = this.#under(event);
    if (!under) return;
    halt(event);
    this.container.setPointerCapture(event.pointerId);
    const { id, field, price } = under.line;
    this.#held = { id, field, price, asking: false };
    this.#draw();
  }

  #move(event: PointerEvent) {
    if (!this.#held || !this.#dragging) {
      this.container.classList.toggle("over-line", event.buttons === 0 && this.#under(event) !== null);
      return;
    }
    halt(event);
    const price = priceText(this.series.coordinateToPrice(this.#y(event)), this.decimals());
    if (price === null) return;
    this.#held = { ...this.#held, price: Number(price) };
    this.#draw();
  }

  #up(event: PointerEvent) {
    const held = this.#held;
    const line = this.#ofHand()?.line;
    if (!held || !line || !this.#dragging) return;
    halt(event);
    if (held.price === line.price) {
      this.#release();
      return;
    }
    const waiting = { ...held, asking: true };
    this.#held = waiting;
    this.#draw();
    void this.events.moved(line, held.price.toFixed(this.decimals())).finally(() => {
      if (this.#held === waiting) this.#release();
    });
  }

  #press(event: KeyboardEvent) {
    if (event.key !== "Escape" || !this.#dragging) return;
    halt(event);
    this.#release();
  }

  #release() {
    this.#held = null;
    this.#draw();
  }
}

const keyOf = ({ id, field }: OrderLine) => `${id} ${field}`;

function halt(event: Event) {
  event.preventDefault();
  event.stopPropagation();
}
