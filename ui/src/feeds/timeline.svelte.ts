import { decodeSeries, type Series } from "../charts/series";
import type { Deck, Frame, Host } from "../host";

/** The live tape grows without a new generation, so its timeline is asked for again now and then. */
const LIVE_REFRESH_MS = 15_000;
const RETRY_MS = 3_000;

/** The whole tape of the watched pair, at most 1 500 buckets. Bytes are never reactive: `version` says they changed. */
export class TimelineFeed {
  version = $state(0);
  series: Series | null = null;
  #subject = "";
  #wanted = 0;
  #got = -1;
  #asking = false;
  #askedAt = -Infinity;

  constructor(private readonly host: Pick<Host, "timeline">) {}

  frame(frame: Frame, nowMs: number) {
    this.#wanted = frame.generation;
    this.#forgetOther(frame.deck, frame.watch.pair);
    const due = nowMs - this.#askedAt;
    const stale = this.#got !== frame.generation ? due > (this.#got === -1 ? RETRY_MS : 0) : frame.deck === "live" && due > LIVE_REFRESH_MS;
    if (stale && !this.#asking) void this.#ask(nowMs);
  }

  #forgetOther(deck: Deck, pair: string) {
    const subject = `${deck} ${pair}`;
    if (subject === this.#subject) return;
    this.#subject = subject;
    this.series = null;
    this.#askedAt = -Infinity;
    this.version += 1;
  }

  async #ask(nowMs: number) {
    this.#asking = true;
    this.#askedAt = nowMs;
    const [generation, subject] = [this.#wanted, this.#subject];
    let failed = false;
    try {
      const series = decodeSeries(await this.host.timeline());
      if (subject === this.#subject) {
        this.series = series;
        this.#got = generation;
        this.version += 1;
      }
    } catch {
      // The deck works without its picture; it is asked for again.
      this.#got = -1;
      failed = true;
    }
    this.#asking = false;
    // The tape moved on meanwhile, and while it stands no frame may come to say so again.
    if (!failed && generation !== this.#wanted) void this.#ask(nowMs);
  }
}
