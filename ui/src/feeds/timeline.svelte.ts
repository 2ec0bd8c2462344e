import { decodeSeries, type Series } from "../charts/series";
import { bucketMs, gapFrom, gapSpans, type Span } from "../charts/timeline";
import { contains, type Fetched, type Moment, nextView, pannedSpan, usualSpan, type View, wantedSpan, zoomedSpan } from "../charts/timeline-view";
import type { Frame, Host } from "../host";

/** The live tape grows without a new generation, so its timeline is asked for again now and then. */
const LIVE_REFRESH_MS = 15_000;
/** Of a long one the end is drawn from the stretch that is looked at, and all of it is much to read. */
const LONG_REFRESH_MS = 300_000;
/** Loading earlier history makes many generations. */
const GENERATION_MS = 1_000;
/** A tape of the past stays as it is; a generation is most often a seek, and a drag makes many. */
const PAST_REFRESH_MS = 5_000;
/** What is ahead of the cursor is not told, and is asked for once it has been played. */
const PLAYED_REFRESH_MS = 700;
const RETRY_MS = 3_000;
/** A view that is still being turned is not asked for. */
const SETTLED_MS = 120;
/** What reaches the newest of the live tape is asked for beyond it, so that the view can go on a while. */
const LIVE_AHEAD_MS = 3_600_000;

/** The shortest bar there is. */
const SHORTEST_MS = 60_000;

interface Held extends Fetched {
  series: Series;
  /** Through here its volume is told. */
  toldMs: number;
}

/**
 * The timeline of the watched pair: which stretch of the tape is shown, and its volume. Held are at most two pictures of some
 * 3 000 bars, one of the whole tape and one of the stretch that is looked at. Bytes are never reactive: `version` says they changed.
 */
export class TimelineFeed {
  version = $state(0);
  view = $state.raw<View>({ span: { fromMs: 0, toMs: 0 }, usual: true });
  #whole: Held | null = null;
  #detail: Held | null = null;
  #deck: Frame["deck"] | null = null;
  #pair = "";
  #loop = false;
  #peek = false;
  #now: Moment | null = null;
  #generation = 0;
  /** Generation of what is in `#whole`; −1 after a failure. */
  #got = -1;
  #asking = false;
  #askedAt = -Infinity;
  #detailAsking = false;
  #detailAt = -Infinity;
  #detailFailedAt = -Infinity;
  /** Grows when an answer that is under way is nobody's any more. */
  #subject = 0;
  #settling: ReturnType<typeof setTimeout> | undefined;
  /** A hand is on the timeline: what is under it stays under it. */
  #held = false;

  constructor(private readonly host: Pick<Host, "timeline">) {}

  /** What the view is drawn from: the finest that covers it. */
  get series(): Series | null {
    const detail = this.#detail && contains(this.#detail.span, this.view.span) ? this.#detail : null;
    return (detail ?? this.#whole)?.series ?? null;
  }

  /** Of the watched pair, on the whole tape, from where it stands; as fine as the bars of the whole are. */
  nextGap(back: boolean): number | null {
    return this.#whole && this.#now ? gapFrom(gapSpans(this.#whole.series), this.#now.cursorMs, back) : null;
  }

  frame(frame: Frame, nowMs: number) {
    this.#move(frame);
    this.#forgetOther(frame);
    this.#generation = frame.generation;
    const due = nowMs - this.#askedAt;
    if (!this.#asking && due > this.#patience(frame)) void this.#ask(nowMs);
    // At the live edge the stretch that is looked at grows too.
    if (frame.deck === "live" && nowMs - this.#detailAt > LIVE_REFRESH_MS) this.#detailAt = -Infinity;
    if (this.#untold(this.#detail) && nowMs - this.#detailAt > PLAYED_REFRESH_MS) this.#detailAt = -Infinity;
    this.#want(false);
  }

  /** Whether the volume ahead of the cursor is wanted too. */
  look(peek: boolean) {
    if (peek === this.#peek) return;
    this.#peek = peek;
    this.#detailAt = this.#detailFailedAt = -Infinity;
    // While the tape stands no frame may come to say so.
    if (this.#now && !this.#asking) void this.#ask(performance.now());
    else this.#got = -1;
  }

  zoom(atMs: number, factor: number) {
    if (this.#now) this.#show(zoomedSpan(this.view.span, this.#now.tape, atMs, factor));
  }

  /** Around the cursor while it is in view, else around the middle. */
  zoomHere(factor: number) {
    const { fromMs, toMs } = this.view.span;
    const cursorMs = this.#now?.cursorMs ?? 0;
    this.zoom(cursorMs >= fromMs && cursorMs <= toMs ? cursorMs : (fromMs + toMs) / 2, factor);
  }

  pan(byMs: number) {
    if (this.#now) this.#show(pannedSpan(this.view.span, this.#now.tape, byMs));
  }

  showUsual() {
    if (!this.#now) return;
    const { tape, cursorMs, live } = this.#now;
    this.view = { span: usualSpan(tape, cursorMs, live), usual: true };
    this.#want(true);
  }

  hold(held: boolean) {
    this.#held = held;
    // What was live may have become a replay, whose tape is shorter, and no further frame may come to say so.
    if (!held && this.#now) this.#set(nextView(this.view, this.#now, { ...this.#now, jumped: false }));
  }

  #show(span: Span) {
    this.view = { span, usual: false };
    this.#want(true);
  }

  #move({ deck, tape, clock, generation, transport }: Frame) {
    const live = deck === "live";
    const before = this.#now;
    const moved = generation !== this.#generation && clock.at_ms !== before?.cursorMs;
    // A loop that begins anew has been in view, or was not looked at.
    const looped = this.#loop && transport.loop !== null;
    const now = { tape: { fromMs: tape.from_ms, toMs: tape.to_ms }, cursorMs: clock.at_ms, live, jumped: !live && moved && !looped };
    // What is replayed is what was live: the view stays. Any other deck is another tape, and live is where it is live.
    const other = deck !== this.#deck && !(this.#deck === "live" && deck === "replay");
    const entered = deck !== this.#deck && !other;
    this.#loop = transport.loop !== null;
    this.#now = now;
    if (this.#held && !other) return;
    this.#set(nextView(other ? null : this.view, before, entered ? { ...now, jumped: true } : now));
  }

  #set(next: View) {
    const { span, usual } = this.view;
    if (next.span.fromMs !== span.fromMs || next.span.toMs !== span.toMs || next.usual !== usual) this.view = next;
  }

  #forgetOther({ deck, watch }: Frame) {
    if (deck === this.#deck && watch.pair === this.#pair) return;
    const recorded = watch.pair === this.#pair && deck !== "sample" && this.#deck !== "sample";
    [this.#deck, this.#pair] = [deck, watch.pair];
    this.#subject += 1;
    // Live and its replay are of one record: until it is read again, what was read is as good.
    if (!recorded) this.#whole = this.#detail = null;
    this.#askedAt = this.#detailAt = this.#detailFailedAt = -Infinity;
    this.#got = -1;
    this.version += 1;
  }


  /** Whether a bar has been played of which the volume was not told. */
  #untold(held: Held | null): boolean {
    return held !== null && this.#now !== null && !this.#now.live && this.#now.cursorMs - held.toldMs > held.bucketMs;
  }

  /** What an answer that is asked for now will tell. */
  #tells(): number {
    return this.#peek || this.#now?.live ? Infinity : (this.#now?.cursorMs ?? 0);
  }

  #patience({ deck, generation }: Frame): number {
    if (this.#got === -1) return RETRY_MS;
    if (this.#untold(this.#whole)) return (this.#whole?.bucketMs ?? 0) > SHORTEST_MS ? PAST_REFRESH_MS : PLAYED_REFRESH_MS;
    if (deck === "live" && generation !== this.#got) return GENERATION_MS;
    if (deck === "live") return (this.#whole?.bucketMs ?? 0) > SHORTEST_MS ? LONG_REFRESH_MS : LIVE_REFRESH_MS;
    return generation === this.#got ? Infinity : PAST_REFRESH_MS;
  }

  async #ask(nowMs: number) {
    this.#asking = true;
    this.#askedAt = nowMs;
    const [generation, subject, toldMs] = [this.#generation, this.#subject, this.#tells()];
    try {
      const series = decodeSeries(await this.host.timeline(null, this.#peek));
      if (subject === this.#subject) {
        // Of the tape as it is now: the live one has grown since, and what it grew by is asked for with the next.
        const span = { fromMs: -Infinity, toMs: Infinity };
        this.#whole = { series, span, bucketMs: bucketMs(series), toldMs };
        this.#got = generation;
        this.version += 1;
        this.#want(false);
      }
    } catch {
      // The deck works without its picture; it is asked for again.
      if (subject === this.#subject) this.#got = -1;
    }
    this.#asking = false;
    // Another pair meanwhile, and while the tape stands no frame may come to say so again.
    if (subject !== this.#subject) void this.#ask(nowMs);
  }

  /** Asks for the stretch that is looked at, once the view has settled, one answer at a time. `turned`: by hand, just now. */
  #want(turned: boolean) {
    if (turned) {
      clearTimeout(this.#settling);
      this.#settling = undefined;
    }
    if (this.#settling !== undefined || this.#detailAsking || !this.#wanted()) return;
    this.#settling = setTimeout(() => {
      this.#settling = undefined;
      const wanted = this.#wanted();
      if (wanted && !this.#detailAsking) void this.#askDetail(wanted);
    }, SETTLED_MS);
  }

  #wanted(): Span | null {
    const [whole, now] = [this.#whole, this.#now];
    if (!whole || !now || performance.now() - this.#detailFailedAt < RETRY_MS) return null;
    const fresh = this.#detailAt === -Infinity ? null : this.#detail;
    const wanted = wantedSpan(this.view.span, now.tape, [{ ...whole, span: now.tape }, ...(fresh ? [fresh] : [])]);
    return wanted && now.live && wanted.toMs >= now.tape.toMs ? { ...wanted, toMs: now.tape.toMs + LIVE_AHEAD_MS } : wanted;
  }

  async #askDetail(span: Span) {
    this.#detailAsking = true;
    const [subject, toldMs] = [this.#subject, this.#tells()];
    try {
      const series = decodeSeries(await this.host.timeline({ from_ms: span.fromMs, to_ms: span.toMs }, this.#peek));
      if (subject === this.#subject) {
        this.#detail = { series, span, bucketMs: bucketMs(series), toldMs };
        this.#detailAt = performance.now();
        this.version += 1;
      }
    } catch {
      // The whole tape is drawn in its place.
      this.#detailFailedAt = performance.now();
    }
    this.#detailAsking = false;
    // The view may have moved on meanwhile.
    this.#want(false);
  }
}
