import { type Failure, failureOf, type Host, type Pipeline } from "../host";

const EVERY_MS = 1_000;
/** An answer that takes longer than this leaves figures on the screen that are no longer true. */
const STALE_AFTER_MS = 4_000;

/** The state of every stage, asked once a second while somebody looks. What was last known stays through a failure. */
export class PipelineFeed {
  newest = $state.raw<Pipeline | null>(null);
  failure = $state.raw<Failure | null>(null);
  stale = $state(false);
  #askedAt: number | null = null;

  constructor(private readonly host: Pick<Host, "pipeline">) {}

  /** Until what it answers is called. `isVisible` is asked each time: a window that is minimised is not looked at. */
  watch(isVisible: () => boolean): () => void {
    void this.ask();
    const timer = setInterval(() => isVisible() && void this.ask(), EVERY_MS);
    return () => clearInterval(timer);
  }

  /** One at a time: a slow core is not asked again while it answers. */
  async ask() {
    if (this.#askedAt !== null) {
      this.stale = performance.now() - this.#askedAt > STALE_AFTER_MS;
      return;
    }
    this.#askedAt = performance.now();
    try {
      this.newest = await this.host.pipeline();
      this.failure = null;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    this.#askedAt = null;
    this.stale = false;
  }
}
