/** The notes of the watched pair that are marked on the chart and on the timeline. */
import type { Deck, Frame, Host, NoteRow } from "../host";
import { knownAt } from "./analyst";
import { latestOnly } from "./latest";
import { spoken } from "./note-marks";

/** The most that one answer gives. */
const MARKED_AT_MOST = 500;
/** Between two questions: a tape at full speed brings notes with every frame. */
const REST_MS = 500;
const RETRY_MS = 3_000;

interface Wish {
  pair: string;
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
    void this.#ask({ pair: watch.pair, subject: this.#subject });
  }

  /** From when on the newest is known; null without one. */
  get newestMs(): number | null {
    return this.notes[0]?.known_ms ?? null;
  }

  /** Another list, which no answer of before takes the place of. */
  #show(pair: string, notes: readonly NoteRow[]) {
    [this.pair, this.notes] = [pair, notes];
    this.#subject += 1;
  }

  async #read({ pair, subject }: Wish) {
    try {
      const page = await this.host.notes(pair, null, MARKED_AT_MOST);
      if (subject !== this.#subject) return;
      this.notes = spoken(page.notes);
    } catch {
      // The chart works without them; they are asked for again.
      if (subject === this.#subject) [this.#asked, this.#failedAt] = ["", performance.now()];
    }
  }
}
