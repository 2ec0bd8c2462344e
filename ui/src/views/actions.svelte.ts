/** What the trader can do. Buttons, keys and the palette all come through here. */
import type { AlikeFeed } from "../feeds/alike.svelte";
import type { AnalystFeed } from "../feeds/analyst.svelte";
import type { DeskFeed } from "../feeds/desk.svelte";
import { failures } from "../feeds/failures.svelte";
import type { NoteMarksFeed } from "../feeds/note-marks.svelte";
import { Seeks } from "../feeds/seek";
import { type DockTab, settings } from "../feeds/settings.svelte";
import type { SqlFeed } from "../feeds/sql.svelte";
import { newId } from "../feeds/ticket";
import type { TradingFeed } from "../feeds/trading.svelte";
import type { TimelineFeed } from "../feeds/timeline.svelte";
import { type AlikeMatch, type Deck, type ExportFormat, type Frame, type Host, HostError, type NoteRow, type Range, type Transport } from "../host";

export type Overlay = "palette" | "help" | "jump" | "history" | "risk" | "cash" | "models" | null;

export class Actions {
  overlay = $state<Overlay>(null);
  /** Volume right of the cursor is told. Not remembered: whoever looks ahead shall have meant to. */
  peek = $state(false);
  /** The bar under the pointer on the chart. Not reactive: it changes with every move of the mouse. */
  hoveredMs: number | null = null;
  /** Grow with each wish to write a query, or to run the one that is written. */
  focusQuery = $state(0);
  runQueryNow = $state(0);
  /** Grows with each wish to write an order. */
  focusTicket = $state(0);
  /** The keys are wanted in the list of sessions, until they are there. */
  sessionsWanted = $state(false);
  /** As `sessionsWanted`, in a tab of the signals. */
  signalWanted = $state<"patterns" | "analyst" | null>(null);
  #stepping = false;
  readonly #seeks: Seeks;
  /** The range that was looped last on each tape. */
  #marked = new Map<Deck, Range>();

  constructor(
    private readonly host: Host,
    private readonly feed: DeskFeed,
    private readonly sql: SqlFeed,
    private readonly trading: TradingFeed,
    private readonly timeline: TimelineFeed,
    readonly alike: AlikeFeed,
    private readonly analyst: AnalystFeed,
    private readonly noteMarks: NoteMarksFeed,
  ) {
    this.#seeks = new Seeks(host, feed, (thrown) => failures.add(thrown));
  }

  /** The tape can be moved: it is of the past. */
  get movable(): boolean {
    return this.feed.frame !== null && this.feed.frame.deck !== "live";
  }

  /** A long seek or step is under way. */
  get seeking(): boolean {
    return typeof this.feed.frame?.transport.progress === "number";
  }

  /** With each frame. */
  frame(frame: Pick<Frame, "deck">) {
    this.#seeks.frame(frame);
  }

  /** The remembered pair and interval, before the first frame. */
  async restore() {
    const desk = this.feed.desk;
    if (!desk) return;
    const pair = desk.pairs.find((known) => known === settings.pair);
    const interval = desk.intervals.find((known) => known === settings.interval);
    const [firstPair, firstInterval] = [desk.pairs[0], desk.intervals[0]];
    if ((pair || (interval && interval !== firstInterval)) && firstPair && firstInterval) {
      await this.#try(this.host.watch({ pair: pair ?? firstPair, interval: interval ?? firstInterval }));
    }
  }

  choosePair(pair: string) {
    const watch = this.feed.frame?.watch;
    if (!watch || watch.pair === pair) return;
    settings.pair = pair;
    void this.#try(this.host.watch({ ...watch, pair }));
  }

  chooseInterval(interval: string) {
    const watch = this.feed.frame?.watch;
    if (!watch || watch.interval === interval) return;
    settings.interval = interval;
    void this.#try(this.host.watch({ ...watch, interval }));
  }

  nextInterval(by: 1 | -1) {
    const intervals = this.feed.desk?.intervals ?? [];
    const next = intervals[intervals.indexOf(this.feed.frame?.watch.interval ?? "") + by];
    if (next) this.chooseInterval(next);
  }

  switchDeck() {
    if (!this.feed.frame) return;
    this.#seeks.forget();
    void this.#try(this.host.chooseDeck(this.movable ? "live" : "sample"));
  }

  /** To the replay that was left for the live market, where it stood. */
  backToReplay() {
    this.#seeks.forget();
    void this.#try(this.host.chooseDeck("replay"));
  }

  playOrPause() {
    void this.#transport({ action: this.feed.frame?.transport.playing ? "pause" : "play" });
  }

  pause() {
    void this.#transport({ action: "pause" });
  }

  speed(times: number | null) {
    void this.#transport({ action: "speed", times });
  }

  /** J: slower while it plays, a bar back while it stands. */
  slowerOrBack() {
    if (this.feed.frame?.transport.playing) this.#nextSpeed(-1);
    else this.stepBar(true);
  }

  /** L: plays while it stands, faster while it plays. */
  playOrFaster() {
    if (this.feed.frame?.transport.playing) this.#nextSpeed(1);
    else this.playOrPause();
  }

  stepTick(back: boolean) {
    void this.#step({ action: "step_tick", back });
  }

  stepBar(back: boolean) {
    void this.#step({ action: "step_bar", back });
  }

  /** From the live deck replays from there. At most one seek is under way; the last one asked for is always sent. Settles when it has landed. */
  seek(atMs: number): Promise<void> {
    const tape = this.feed.frame?.tape;
    if (!tape || !(tape.to_ms > tape.from_ms)) return Promise.resolve();
    return this.#seeks.to(Math.min(tape.to_ms, Math.max(tape.from_ms, atMs)));
  }

  /** Stays where it is. */
  cancelSeek() {
    void this.#transport({ action: "cancel_seek" });
  }

  stepFill(back: boolean) {
    void this.#step({ action: "fill", back });
  }

  /** To where the next gap of the watched pair begins; from the live deck replays from there. */
  async stepGap(back: boolean) {
    const atMs = this.timeline.nextGap(back);
    if (atMs === null) {
      const what = back ? "No gap lies before this moment." : "No gap lies after this moment.";
      failures.add(new HostError({ code: "no_gap", what, kept: "The tape stands where it stood.", do: "Gaps of the watched pair are red on the timeline." }));
    } else await this.#seekOnce(atMs);
  }

  /** To the next note on the watched pair; from the live deck replays from there. */
  async stepNote(back: boolean) {
    if (this.feed.frame?.deck !== "live") return this.#step({ action: "note", back });
    const atMs = back ? this.noteMarks.newestMs : null;
    if (atMs !== null) return this.#seekOnce(atMs);
    const what = back ? "No note is known of this pair." : "No note lies after the live moment.";
    failures.add(new HostError({ code: "no_note", what, kept: "The tape stands where it stood.", do: "Notes on the watched pair are yellow on the timeline." }));
  }

  /** From the live deck replays from its start. */
  async loop(range: Range) {
    const deck = this.feed.frame?.deck;
    if (!deck) return;
    this.#marked.set(deck === "live" ? "replay" : deck, range);
    if (this.#seeks.isLive) await this.seek(range.from_ms);
    // Where nothing can be replayed, that was said already.
    if (this.#seeks.isLive) return;
    await this.#try(this.host.transport({ action: "loop", range }));
  }

  /** No loop any more, or the one that was marked last. */
  switchLoop() {
    const frame = this.feed.frame;
    if (!frame || !this.movable) return;
    if (frame.transport.loop) {
      this.#marked.set(frame.deck, frame.transport.loop);
      void this.#transport({ action: "loop", range: null });
      return;
    }
    const { from_ms, to_ms } = this.#marked.get(frame.deck) ?? { from_ms: 0, to_ms: 0 };
    if (to_ms > from_ms && to_ms > frame.tape.from_ms && from_ms < frame.tape.to_ms) void this.#transport({ action: "loop", range: { from_ms, to_ms } });
    else failures.add(new HostError({ code: "no_loop", what: "No loop was marked on this tape yet.", kept: "The tape plays on as it did.", do: "Hold Alt or Shift and drag over the timeline to mark one." }));
  }

  switchPeek() {
    this.peek = !this.peek;
  }

  zoomTimeline(factor: number) {
    this.timeline.zoomHere(factor);
  }

  showUsualTimeline() {
    this.timeline.showUsual();
  }

  toStart() {
    if (this.movable) void this.seek(-Infinity);
  }

  toEnd() {
    if (this.movable) void this.seek(Infinity);
  }

  replayHovered() {
    if (this.hoveredMs !== null) void this.seek(this.hoveredMs);
  }

  /** From the end of a match, of its own pair. What lies outside the tape on the deck is of what was recorded live. */
  async replayMatch({ pair, window_end_ms }: AlikeMatch) {
    const tape = this.feed.frame?.tape;
    if (this.feed.desk?.pairs.includes(pair)) this.choosePair(pair);
    if (tape && this.movable && window_end_ms >= tape.from_ms && window_end_ms <= tape.to_ms) return this.seek(window_end_ms);
    this.#seeks.forget();
    await this.#try(this.host.replay(window_end_ms));
  }

  switchNotes() {
    settings.notes = !settings.notes;
  }

  /** A note with its facts, in its tab. */
  openNote({ id }: Pick<NoteRow, "id">) {
    this.openTab("analyst");
    this.analyst.select(id);
  }

  switchMatches() {
    settings.matches = !settings.matches;
  }

  /** The tab, with the keys in it. */
  pickSignal(tab: "patterns" | "analyst") {
    this.openTab(tab);
    this.signalWanted = tab;
  }

  /** The notes come into view with it. */
  askAnalyst() {
    this.openTab("analyst");
    void this.analyst.askNow();
  }

  loadEarlier(months: number) {
    const pair = this.feed.frame?.watch.pair;
    if (pair) void this.#try(this.host.backfill(pair, months));
  }

  cancelLoading() {
    void this.#try(this.host.cancelBackfill());
  }

  switchTheme() {
    settings.theme = settings.theme === "dark" ? "light" : "dark";
  }

  switchSide() {
    settings.side = !settings.side;
  }

  switchSounds() {
    settings.sounds = !settings.sounds;
  }

  /** The feed's figures, or what they had taken the place of. */
  switchFeed() {
    const shown = settings.side && settings.sideTab === "feed";
    settings.sideTab = shown ? "trade" : "feed";
    settings.side = true;
  }

  writeOrder() {
    this.showTicket();
    this.focusTicket += 1;
  }

  showTicket() {
    settings.side = true;
    settings.sideTab = "trade";
  }

  cancelAll(): Promise<boolean> {
    return this.trading.insist("cancel_all");
  }

  flatten(): Promise<boolean> {
    return this.trading.insist({ flatten: { id: newId() } });
  }

  switchDock() {
    settings.dockOpen = !settings.dockOpen;
  }

  openTab(tab: DockTab) {
    settings.dockTab = tab;
    settings.dockOpen = true;
  }

  /** The list of sessions, at the one that is on the deck. */
  pickSessions() {
    this.openTab("sessions");
    this.sessionsWanted = true;
  }

  writeQuery() {
    this.openTab("sql");
    this.focusQuery += 1;
  }

  runQuery() {
    this.openTab("sql");
    this.runQueryNow += 1;
  }

  cancelQuery() {
    void this.sql.cancel();
  }

  exportResult(format: ExportFormat) {
    this.openTab("sql");
    void this.sql.export(format);
  }

  showQueries() {
    this.openTab("sql");
    this.overlay = "history";
  }

  #nextSpeed(by: 1 | -1) {
    const speeds = [...(this.feed.desk?.speeds ?? []), null];
    const next = speeds[speeds.indexOf(this.feed.frame?.transport.speed ?? null) + by];
    if (next !== undefined) this.speed(next);
  }

  /** A held key repeats faster than a step lands: what comes meanwhile is dropped, so that letting go stops. */
  async #step(command: Transport) {
    if (this.#stepping) return;
    this.#stepping = true;
    await this.#transport(command);
    this.#stepping = false;
  }

  /** As `#step`, by a seek. */
  async #seekOnce(atMs: number) {
    if (this.#stepping) return;
    this.#stepping = true;
    await this.seek(atMs);
    this.#stepping = false;
  }

  async #transport(command: Transport) {
    if (this.movable) await this.#try(this.host.transport(command));
  }

  async #try(done: Promise<void>) {
    try {
      await done;
    } catch (thrown) {
      failures.add(thrown);
    }
  }
}
