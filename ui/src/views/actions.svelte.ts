/** What the trader can do. Buttons, keys and the palette all come through here. */
import type { DeskFeed } from "../feeds/desk.svelte";
import { failures } from "../feeds/failures.svelte";
import { latestOnly } from "../feeds/latest";
import { type DockTab, settings } from "../feeds/settings.svelte";
import type { SqlFeed } from "../feeds/sql.svelte";
import { newId } from "../feeds/ticket";
import type { TradingFeed } from "../feeds/trading.svelte";
import type { ExportFormat, Host, Transport } from "../host";

export type Overlay = "palette" | "help" | "jump" | "history" | "risk" | "cash" | null;

export class Actions {
  overlay = $state<Overlay>(null);
  /** The bar under the pointer on the chart. Not reactive: it changes with every move of the mouse. */
  hoveredMs: number | null = null;
  /** Grow with each wish to write a query, or to run the one that is written. */
  focusQuery = $state(0);
  runQueryNow = $state(0);
  /** Grows with each wish to write an order. */
  focusTicket = $state(0);
  #stepping = false;
  #seek: (atMs: number) => Promise<void>;

  constructor(
    private readonly host: Host,
    private readonly feed: DeskFeed,
    private readonly sql: SqlFeed,
    private readonly trading: TradingFeed,
  ) {
    this.#seek = latestOnly((at_ms) => this.#try(host.transport({ action: "seek", at_ms })));
  }

  get movable(): boolean {
    return this.feed.frame?.deck === "sample";
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
    void this.#try(this.host.chooseDeck(this.movable ? "live" : "sample"));
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

  /** At most one seek is under way; the last one asked for is always sent. */
  seek(atMs: number) {
    const tape = this.feed.frame?.tape;
    if (!this.movable || !tape) return;
    void this.#seek(Math.min(tape.to_ms, Math.max(tape.from_ms, atMs)));
  }

  toStart() {
    this.seek(-Infinity);
  }

  toEnd() {
    this.seek(Infinity);
  }

  replayHovered() {
    if (this.hoveredMs !== null) this.seek(this.hoveredMs);
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

  /** Goes on with another way of the replay's account. */
  takeWay(way: number) {
    void this.#transport({ action: "take_way", way });
  }

  openTab(tab: DockTab) {
    settings.dockTab = tab;
    settings.dockOpen = true;
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
