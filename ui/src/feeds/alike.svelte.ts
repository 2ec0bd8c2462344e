/** Hours like the last one of the watched pair, looked up anew with each minute that closes while somebody looks. */
import { type Alike, type AlikeMatch, type Deck, type Failure, failureOf, type FollowedView, type Frame, type Host } from "../host";
import { nearestFirst } from "./alike";
import { latestOnly } from "./latest";

const MINUTE = 60_000;
/** Between two questions: a tape at full speed closes fifty minutes a second. */
const REST_MS = 250;

/** A match over the chart: it stays where it was laid, so that the tape can be held against it. */
export interface Laid {
  pair: string;
  /** End of the live hour, and its closes. */
  endMs: number;
  closes: readonly number[];
  match: AlikeMatch;
  followed: FollowedView | null;
}

interface Wish {
  pair: string;
  across: boolean;
  subject: number;
}

export class AlikeFeed {
  /** The nearest first. */
  view = $state.raw<Alike | null>(null);
  failure = $state.raw<Failure | null>(null);
  laid = $state.raw<Laid | null>(null);
  asking = $state(false);
  /** Hours of other pairs too. */
  across = $state(false);
  #looking = false;
  #deck: Deck | null = null;
  #pair = "";
  #cursorMs = 0;
  /** What was asked for last. */
  #asked = "";
  /** Grows when an answer that is under way is nobody's any more. */
  #subject = 0;
  #ask: (wish: Wish) => Promise<void>;

  constructor(
    private readonly host: Pick<Host, "alike">,
    restMs = REST_MS,
  ) {
    this.#ask = latestOnly(async (wish) => {
      if (wish.subject !== this.#subject) return;
      await this.#read(wish);
      await new Promise((resolve) => setTimeout(resolve, restMs));
    });
  }

  frame({ deck, clock, watch }: Pick<Frame, "deck" | "clock" | "watch">) {
    const other = deck !== this.#deck || watch.pair !== this.#pair;
    // What was known at a later moment is not known at an earlier one.
    const back = minuteOf(clock.at_ms) < minuteOf(this.#cursorMs);
    [this.#deck, this.#pair, this.#cursorMs] = [deck, watch.pair, clock.at_ms];
    if (other || back) this.#forget();
    if (this.laid && (other || clock.at_ms < this.laid.endMs)) this.laid = null;
    this.#want();
  }

  /** It is read while somebody looks at it. */
  look(looking: boolean) {
    this.#looking = looking;
    if (looking) this.#want();
  }

  again() {
    this.#asked = "";
    this.#want();
  }

  switchAcross() {
    this.across = !this.across;
    this.#forget();
    this.#want();
  }

  /** Lays a match over the chart, or takes it away when it lies there. */
  lay(match: AlikeMatch) {
    const view = this.view;
    if (this.laid?.match.id === match.id) this.laid = null;
    else if (view && view.closes.length > 0) this.laid = { pair: view.pair, endMs: view.window_end_ms, closes: view.closes, match, followed: view.followed };
  }

  takeAway() {
    this.laid = null;
  }

  #forget() {
    [this.view, this.failure, this.#asked] = [null, null, ""];
    this.#subject += 1;
  }

  #want() {
    // The clock stands at zero until something is known.
    if (!this.#looking || this.#deck === null || this.#pair === "") return;
    const key = String(minuteOf(this.#cursorMs));
    if (key === this.#asked) return;
    this.#asked = key;
    void this.#ask({ pair: this.#pair, across: this.across, subject: this.#subject });
  }

  async #read({ pair, across, subject }: Wish) {
    this.asking = true;
    try {
      const view = await this.host.alike(pair, across);
      if (subject === this.#subject) [this.view, this.failure] = [{ ...view, matches: nearestFirst(view.matches) }, null];
    } catch (thrown) {
      if (subject === this.#subject) [this.view, this.failure] = [null, failureOf(thrown)];
    }
    this.asking = false;
  }
}

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE);
