/** The newest frame, and what the page does with each: draw it in the next animation frame, then say so. */
import { tick, untrack } from "svelte";
import { type Desk, type Failure, failureOf, type Frame, type Host, type Notice } from "../host";

export class DeskFeed {
  desk = $state.raw<Desk | null>(null);
  frame = $state.raw<Frame | null>(null);
  failed = $state.raw<Failure | null>(null);
  /** Up to 60 closes for each pair of the watchlist. */
  sparks = $state.raw<Record<string, number[]>>({});
  #dismissed = $state.raw<ReadonlySet<string>>(new Set());
  #listeners = new Set<(frame: Frame) => void>();
  #pending: Frame | null = null;

  constructor(private readonly host: Host) {}

  /** `prepare` runs once the desk is known and before the first frame. */
  async open(prepare: () => Promise<void>) {
    this.failed = null;
    try {
      this.desk = await this.host.desk();
      await prepare();
      await this.host.openFrames((frame) => this.#arrive(frame));
    } catch (thrown) {
      this.failed = failureOf(thrown);
    }
  }

  /** Called with the newest frame, and once for each that follows, before it is said to be drawn. For what must not be reactive. */
  onFrame(listener: (frame: Frame) => void): () => void {
    this.#listeners.add(listener);
    const newest = untrack(() => this.frame);
    if (newest) untrack(() => listener(newest));
    return () => this.#listeners.delete(listener);
  }

  /** Standing messages that were not dismissed. One that went away and came back is told again. */
  get notices(): Notice[] {
    return (this.frame?.notices ?? []).filter((notice) => !this.#dismissed.has(notice.code));
  }

  dismiss(code: string) {
    this.#dismissed = new Set(this.#dismissed).add(code);
  }

  #arrive(frame: Frame) {
    const idle = this.#pending === null;
    this.#pending = frame;
    if (idle) requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const frame = this.#pending;
    this.#pending = null;
    if (!frame) return;
    this.#keepSparks(frame);
    this.#recallDismissed(frame);
    this.frame = frame;
    for (const listener of this.#listeners) listener(frame);
    void tick().then(() => this.host.drawn());
  }

  #keepSparks(frame: Frame) {
    const otherDeck = this.frame?.deck !== frame.deck;
    if (!otherDeck && frame.rows.every((row) => row.spark === null)) return;
    const held = otherDeck ? {} : this.sparks;
    const listed = frame.rows.map((row) => [row.pair, row.spark ?? held[row.pair] ?? []] as const);
    this.sparks = Object.fromEntries(listed);
  }

  #recallDismissed(frame: Frame) {
    if (this.#dismissed.size === 0) return;
    const standing = new Set(frame.notices.map((notice) => notice.code));
    const still = [...this.#dismissed].filter((code) => standing.has(code));
    if (still.length < this.#dismissed.size) this.#dismissed = new Set(still);
  }
}
