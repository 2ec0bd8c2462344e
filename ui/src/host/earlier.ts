/** Loading earlier history of the made-up market: a few hours for each month, in a few seconds. */
import type { PlotBar } from "../charts/bars";
import { type Backfill, HostError } from "./host";
import { type Listing, MadeUpTape } from "./market";

const HOURS_A_MONTH = 12;
const TAKES_MS = 4_000;
const MONTH_MS = 30 * 86_400_000;

export class MadeUpHistory {
  #newest: Backfill | null = null;
  #startedAt = 0;
  #tape: MadeUpTape | null = null;
  #loaded = new Set<string>();

  constructor(
    private readonly toMs: number,
    private readonly listings: readonly Listing[],
    /** What the chart showed is no longer all there is. */
    private readonly loaded: () => void,
    private readonly refuses: boolean,
  ) {}

  start(pair: string, months: number) {
    if (this.#newest?.state === "running") {
      const what = "Earlier history is being loaded already.";
      throw new HostError({ code: "backfill_running", what, kept: "Nothing was changed.", do: "Wait for it, or cancel it first." });
    }
    this.#startedAt = performance.now();
    this.#newest = { run: (this.#newest?.run ?? 0) + 1, pair, months, state: "running", share: 0, at_ms: null, accepted: 0, quarantined: 0, failure: null };
  }

  cancel() {
    if (this.#newest?.state === "running") this.#end({ state: "cancelled" });
  }

  newest(): Backfill | null {
    const newest = this.#newest;
    if (newest?.state !== "running") return newest;
    const share = Math.min(1, (performance.now() - this.#startedAt) / TAKES_MS);
    if (this.refuses && share > 0.4) {
      const failure = { code: "venue_unreachable", what: "Loading has stopped: the connection was lost.", kept: "What was loaded is kept.", do: "Load it again: it goes on from there." };
      return this.#end({ state: "failed", failure });
    }
    const accepted = Math.floor(share * newest.months * HOURS_A_MONTH * 60);
    this.#newest = { ...newest, share, accepted, at_ms: this.toMs - (1 - share) * newest.months * MONTH_MS };
    return share < 1 ? this.#newest : this.#end({ state: "done" });
  }

  /** Bars before the live ones, as `MadeUpTape.bars` gives them. */
  bars(pair: string, lengthMs: number, beforeMs: number, limit: number): PlotBar[] {
    if (!this.#tape || !this.#loaded.has(pair) || limit <= 0) return [];
    const bars = this.#tape.bars(pair, lengthMs, Math.min(beforeMs, this.toMs), limit, this.toMs);
    return bars.map((bar) => ({ ...bar, quality: "backfilled" }));
  }

  #end(how: Pick<Backfill, "state"> & Partial<Backfill>): Backfill {
    const ended = { ...this.#newest!, ...how };
    this.#newest = ended;
    const minutes = ended.months * HOURS_A_MONTH * 60;
    if (ended.accepted > 0) {
      this.#tape = new MadeUpTape("Earlier", this.toMs - minutes * 60_000, minutes, this.listings, { from: -1, to: -1 });
      this.#loaded.add(ended.pair);
      this.loaded();
    }
    return ended;
  }
}
