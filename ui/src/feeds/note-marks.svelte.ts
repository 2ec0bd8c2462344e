/** The notes of the watched pair that are marked on the chart and on the timeline. */
import type { Deck, Frame, Host, NoteRow } from "../host";
import { knownAt } from "./analyst";
import { latestOnly } from "./latest";
import { noteFrom, type Seen, seenOf, spoken, withSeen } from "./note-marks";

/** The most that one answer gives. */
const MARKED_AT_MOST = 500;
/** Between two questions: a tape at full speed brings notes with every frame. */
const REST_MS = 500;
const RETRY_MS = 3_000;

interface Wish {
  pair: string;
  atMs: number;
  subject: number;
}

export class NoteMarksFeed {
  /** The newest first, none of them refused, none newer than the cursor. */
  notes = $state.raw<readonly NoteRow[]>([]);
  /** When they were, for the timeline. */
  timesMs = $derived(this.notes.map(({ as_of_ms }) => as_of_ms));
  /** Of the pair they are of. */
  pair = $state("");
  #deck: Deck | null = null;
  #cursorMs = 0;
  /** What was asked for last. */
  #asked = "";
  #failedAt = -Infinity;
  /** Grows when an answer that is under way is nobody's any more. */
  #subject = 0;
  /** Live and its replay are of one record, the sample is another. */
  #seen = new Map<string, Seen>();
  #ask: (wish: Wish) => Promise<void>;

  constructor(
    private readonly host: Pick<Host, "notes">,
    restMs = REST_MS,
  ) {
    this.#ask = latestOnly(async (wish) => {
      if (wish.subject !== this.#subject) return;
      await this.#read(wish);
      await new Promise((resolve) => setTimeout(resolve, restMs));
    });
  }

  frame({ deck, clock, watch, noted }: Pick<Frame, "deck" | "clock" | "watch" | "noted">) {
    const other = deck !== this.#deck || watch.pair !== this.pair;
    const back = clock.at_ms < this.#cursorMs;
    [this.#deck, this.#cursorMs] = [deck, clock.at_ms];
    if (other) this.#show(watch.pair, []);
    else if (back) this.#show(watch.pair, knownAt(this.notes, clock.at_ms));
    const asked = `${deck} ${watch.pair} ${noted}`;
    if ((asked === this.#asked && !back) || performance.now() - this.#failedAt < RETRY_MS) return;
    this.#asked = asked;
    void this.#ask({ pair: watch.pair, atMs: clock.at_ms, subject: this.#subject });
  }

  /** The next note of the watched pair from where the tape stands, or the one before; null where it is not known of one. */
  next(back: boolean): number | null {
    const seen = this.#seen.get(this.#record(this.pair));
    return seen ? noteFrom(seen, this.#cursorMs, back) : null;
  }

  #record(pair: string): string {
    return `${this.#deck === "sample" ? "sample" : "recorded"} ${pair}`;
  }

  /** Another list, which no answer of before takes the place of. */
  #show(pair: string, notes: readonly NoteRow[]) {
    [this.pair, this.notes] = [pair, notes];
    this.#subject += 1;
  }

  async #read({ pair, atMs, subject }: Wish) {
    const record = this.#record(pair);
    try {
      const page = await this.host.notes(pair, null, MARKED_AT_MOST);
      if (subject !== this.#subject) return;
      this.notes = spoken(page.notes);
      this.#seen.set(record, withSeen(this.#seen.get(record) ?? null, seenOf(page, atMs)));
    } catch {
      // The chart works without them; they are asked for again.
      if (subject === this.#subject) [this.#asked, this.#failedAt] = ["", performance.now()];
    }
  }
}
