/**
 * Bars of the watched pair, for the chart alone: history once for each generation, then what the frames bring. None of it
 * is reactive; the panel is told when the picture changes its kind (loading, empty, ready, failed).
 */
import { joinHistory, type PlotBar, plotBar, plotBars, prependPage } from "../charts/bars";
import { decodeSeries } from "../charts/series";
import { type Failure, failureOf, type Frame, type Host } from "../host";

/** What a chart can do with bars. `keep`: the same pair and interval as before, so the view must not jump. */
export interface BarView {
  replace(bars: PlotBar[], keep: boolean): void;
  update(changed: PlotBar[]): void;
  prepend(bars: PlotBar[]): void;
  held(): readonly PlotBar[];
  /** How many bars back from the newest the view reaches. */
  reach(): number;
}

export type BarState = { kind: "loading" } | { kind: "empty" } | { kind: "ready" } | { kind: "failed"; failure: Failure };

/** Generation and subject of the bars now drawn. */
export interface Drawn {
  generation: number;
  pair: string;
  interval: string;
  /** The oldest bar that is known is held. */
  whole: boolean;
}

const PAGE = 600;
const REPLACED_AT_MOST = 5_000;
const HELD_AT_MOST = 40_000;
const ARRIVED_AT_MOST = 2_000;
/** After a failed answer frames ask again, but not sixty times a second. */
const RETRY_MS = 3_000;

type Subject = Pick<Frame, "generation" | "deck" | "watch">;

/** Live and its replay are of one record: the view stays where it is when the one becomes the other. */
const sameRecord = (a: Subject, b: Subject) => (a.deck === "sample") === (b.deck === "sample") && a.watch.pair === b.watch.pair && a.watch.interval === b.watch.interval;
const sameSubject = (a: Subject, b: Subject) => a.deck === b.deck && a.watch.pair === b.watch.pair && a.watch.interval === b.watch.interval;

export class BarFeed {
  #view: BarView | null = null;
  #newest: Subject | null = null;
  #drawn: Subject | null = null;
  #arrived: PlotBar[] = [];
  #fetching = false;
  #paging = false;
  #oldestReached = false;
  #failedAt = -Infinity;

  constructor(
    private readonly host: Pick<Host, "history">,
    private readonly tell: (state: BarState, drawn: Drawn | null) => void,
  ) {}

  attach(view: BarView) {
    this.#view = view;
    if (this.#newest) void this.#fetch();
  }

  detach() {
    this.#view = null;
    this.#drawn = null;
  }

  frame(frame: Frame) {
    const { generation, deck, watch } = frame;
    if (!this.#newest || generation > this.#newest.generation) {
      this.#newest = { generation, deck, watch };
      this.#arrived = [];
    }
    if (generation < this.#newest.generation) return;
    const bars = frame.bars.map(plotBar);
    if (this.#drawn?.generation === generation) {
      this.#view?.update(bars);
      if (bars.length > 0 && this.#view && this.#view.held().length === bars.length) this.#say();
      return;
    }
    this.#arrived.push(...bars);
    if (this.#arrived.length > ARRIVED_AT_MOST) this.#arrived.splice(0, this.#arrived.length - ARRIVED_AT_MOST);
    if (performance.now() - this.#failedAt > RETRY_MS) void this.#fetch();
  }

  retry() {
    void this.#fetch();
  }

  /** One fetch at a time; when the tape moved on meanwhile what came is drawn if it shows the same pair, and fetched again. */
  async #fetch() {
    const subject = this.#newest;
    if (this.#fetching || !subject || !this.#view) return;
    this.#fetching = true;
    const keep = this.#drawn !== null && sameRecord(this.#drawn, subject);
    if (!keep) this.tell({ kind: "loading" }, null);
    let failure: Failure | null = null;
    this.#failedAt = -Infinity;
    try {
      const limit = Math.min(REPLACED_AT_MOST, Math.max(PAGE, keep ? this.#view.reach() + PAGE / 4 : 0));
      const history = plotBars(decodeSeries(await this.host.history({ ...subject.watch, beforeMs: null, limit })));
      if (sameSubject(subject, this.#newest!)) {
        const current = subject.generation === this.#newest!.generation;
        this.#view?.replace(current ? joinHistory(history, this.#arrived) : history, keep);
        this.#drawn = subject;
        this.#oldestReached = history.length < limit;
        if (current) this.#arrived = [];
        this.#say();
      }
    } catch (thrown) {
      failure = failureOf(thrown);
      this.#failedAt = performance.now();
      this.tell({ kind: "failed", failure }, null);
    }
    this.#fetching = false;
    if (subject.generation !== this.#newest!.generation && !failure) void this.#fetch();
  }

  /** Pages older bars in, as the trader scrolls to the left. */
  async older() {
    const [view, drawn] = [this.#view, this.#drawn];
    const first = view?.held()[0];
    if (!view || !drawn || !first || this.#paging || this.#oldestReached || view.held().length >= HELD_AT_MOST) return;
    this.#paging = true;
    try {
      const page = plotBars(decodeSeries(await this.host.history({ ...drawn.watch, beforeMs: first.timeMs, limit: PAGE })));
      if (this.#drawn === drawn && this.#view === view) {
        this.#oldestReached = page.length < PAGE;
        if (page.length > 0) view.prepend(prependPage(page, view.held()));
        if (this.#oldestReached) this.#say();
      }
    } catch {
      // The left edge stays where it is; scrolling there again asks again.
    }
    this.#paging = false;
  }

  #say() {
    const drawn = this.#drawn;
    if (!drawn || !this.#view) return;
    const kind = this.#view.held().length > 0 ? "ready" : "empty";
    this.tell({ kind }, { generation: drawn.generation, ...drawn.watch, whole: this.#oldestReached });
  }
}
