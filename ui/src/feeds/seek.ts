/** Moving the tape by hand: one seek at a time, the last one asked for always, and out of the live market by a replay. */
import type { Deck, Frame, Host } from "../host";
import { latestOnly } from "./latest";

/** A seek that has not landed by then no longer holds the next one back. */
const LANDED_AT_MOST_MS = 500;
/** A seek to where the tape stands already brings no frame to say so. */
const NO_FRAME_MS = 120;

interface Frames {
  readonly frame: Pick<Frame, "deck" | "generation" | "transport"> | null;
  onFrame(listener: (frame: Frame) => void): () => void;
}

export class Seeks {
  /** The deck that was chosen, until a frame shows it: a drag goes on before. */
  #chosen: Deck | null = null;
  /** Grows with each deck that is chosen otherwise: what still waits for the one before is no wish of this one. */
  #decks = 0;
  #go: (wish: { atMs: number; decks: number }) => Promise<void>;

  constructor(
    host: Pick<Host, "replay" | "transport">,
    private readonly feed: Frames,
    private readonly failed: (thrown: unknown) => void,
  ) {
    this.#go = latestOnly(async ({ atMs, decks }) => {
      if (decks !== this.#decks) return;
      // Its frame may overtake its answer: the two come by different ways.
      const before = this.feed.frame?.generation;
      try {
        if (this.isLive) {
          await host.replay(atMs);
          this.#chosen = "replay";
        } else await host.transport({ action: "seek", at_ms: atMs });
        await this.#landed(before);
      } catch (thrown) {
        this.failed(thrown);
      }
    });
  }

  get isLive(): boolean {
    return (this.#chosen ?? this.feed.frame?.deck) === "live";
  }

  /** Settles when it has landed, or a later one has. */
  to(atMs: number): Promise<void> {
    return this.#go({ atMs, decks: this.#decks });
  }

  /** With each frame. */
  frame({ deck }: Pick<Frame, "deck">) {
    if (deck === this.#chosen) this.#chosen = null;
  }

  /** Another deck was chosen otherwise. */
  forget() {
    this.#chosen = null;
    this.#decks += 1;
  }

  /** A seek is answered at once and lands later: when a frame of after it says that nothing is under way. */
  #landed(before: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const patience = setTimeout(done, NO_FRAME_MS);
      const most = setTimeout(done, LANDED_AT_MOST_MS);
      const stop = this.feed.onFrame(({ generation, transport }) => {
        if (transport.progress !== null) clearTimeout(patience);
        // The newest frame is told of while this is still being begun.
        else if (generation !== before) queueMicrotask(done);
      });
      function done() {
        clearTimeout(patience);
        clearTimeout(most);
        stop();
        resolve();
      }
    });
  }
}
