/**
 * The desk without its window: `npm run dev` in a browser, and screenshots. It keeps the promises the Rust side makes (one
 * frame in flight, generations, history as of the cursor) over a made-up market.
 *
 * Query: `deck=live|sample|replay` `at=0.59` (share of the tape of the past) `play=0` `speed=60|max` `theme=light|dark` `days=3` (of the
 * live market) `scene=empty|loading|error|long|down|stale|refuse|slow|behind|traded|reading|idle` (`traded`: the account has a day behind
 * it, and sessions; `refuse`: what is asked of a tape fails, and so does comparing two sessions of it; `reading`: every seek takes seconds; `idle`: nothing is recorded, so there is no account)
 */
import type { PlotBar } from "../charts/bars";
import { blankSeries, QUALITIES } from "../charts/series";
import { MadeUpAccount } from "./account";
import { MadeUpAnalyst } from "./analyst";
import { MadeUpComparison } from "./comparison";
import { MadeUpHistory } from "./earlier";
import { type Bar, type Deck, type Frame, type Host, HostError, type Notice, type OrderRequest, type Range, type Row, type Transport, type Watch } from "./host";
import { openLake } from "./lake";
import { INTERVAL_MS, type Listing, LISTINGS, MadeUpTape, pseudoRandom, TICK_MS } from "./market";
import { MadeUpPatterns } from "./patterns";
import { MadeUpSessions } from "./sessions";

const SAMPLE_FROM = Date.UTC(2024, 0, 1);
const TIMELINE_BARS = 3_000;
/** As long as reading a far part of a long tape may take. */
const READING_MS = 6_000;
const BARS_PER_FRAME = 50;
const LONG: Listing[] = [
  { pair: "BTC-USD", price: 104_318.57123456, decimals: 8, simulated: false },
  { pair: "SHIB-USD", price: 0.00002213, decimals: 8, simulated: true },
];

export function openBrowser(query: URLSearchParams): Host {
  const scene = query.get("scene");
  const listings = scene === "long" ? [LONG[0]!, ...LISTINGS.slice(1), LONG[1]!] : LISTINGS;
  const sample = new MadeUpTape("Sample · 1 January 2024", SAMPLE_FROM, 24 * 60, listings, { from: 284, to: 295 });
  const started = Math.floor(Date.now() / 60_000) * 60_000;
  const days = Number(query.get("days") ?? 3);
  const simulated = listings.map((listing) => ({ ...listing, simulated: true }));
  const live = new MadeUpTape("Live", started - days * 86_400_000, days * 24 * 60 + 4 * 60, simulated, { from: days * 1_440 - 260, to: days * 1_440 - 256 });
  const random = pseudoRandom(99);
  const pairsOf = listings.map(({ pair }) => pair);
  const accountOf = (of: MadeUpTape, clock: () => number) => new MadeUpAccount((pair) => (scene === "empty" ? null : of.price(pair, clock())), pairsOf, clock);
  const comparison = new MadeUpComparison(scene === "long", scene === "refuse");
  const patterns = new MadeUpPatterns(scene);
  const analyst = new MadeUpAnalyst(scene);
  const earlier = new MadeUpHistory(live.fromMs, live.listings, () => bump(), scene === "refuse");

  /** A tape that can be moved, and where it stands. */
  const pastOf = (of: MadeUpTape, name: string, toMs: number) => {
    const past = { of, name, toMs, cursor: of.fromMs + Number(query.get("at") ?? 0.588) * (toMs - of.fromMs), loop: null as Range | null, sessions: new MadeUpSessions(name) };
    return Object.assign(past, { account: accountOf(of, () => past.cursor) });
  };
  const pasts = { sample: pastOf(sample, "Sample", sample.toMs), replay: pastOf(live, "Recorded live", started) };
  const liveAccount = accountOf(live, Date.now);

  let deck: Deck = (["live", "replay"] as const).find((known) => known === query.get("deck")) ?? "sample";
  let playing = query.get("play") !== "0";
  let speed: number | null = query.get("speed") === "max" ? null : Number(query.get("speed") ?? 60);
  /** A seek that takes its time: where to, and since when. */
  let reading: { toMs: number; since: number } | null = null;
  let framed = 0;
  let watch: Watch = { pair: listings[0]!.pair, interval: "1m" };
  let generation = 1;
  let inFlight = false;
  let toldUntil = 0;
  let previous = performance.now();
  let sparkMinute = -1;
  let show: ((frame: Frame) => void) | null = null;

  const past = () => (deck === "live" ? null : pasts[deck]);
  const tape = () => past()?.of ?? live;
  const account = () => past()?.account ?? liveAccount;
  const now = () => past()?.cursor ?? Date.now();
  const bump = () => {
    generation += 1;
    toldUntil = 0;
    sparkMinute = -1;
  };
  const land = (ms: number) => {
    const on = past();
    if (!on) return;
    on.cursor = Math.min(on.toMs, Math.max(on.of.fromMs, ms));
    reading = null;
    bump();
  };
  const moveTo = (ms: number) => {
    if (scene === "reading") reading = { toMs: ms, since: performance.now() };
    else land(ms);
  };

  function advance() {
    const at = performance.now();
    const elapsed = Math.min(250, at - previous);
    previous = at;
    const on = past();
    if (reading) {
      if (at - reading.since > READING_MS) land(reading.toMs);
      return;
    }
    if (!on || !playing) return;
    on.cursor = Math.min(on.toMs, on.cursor + elapsed * (speed ?? 3_600));
    if (on.loop && now() >= on.loop.to_ms) land(on.loop.from_ms);
    if (now() >= on.toMs) playing = false;
  }

  function changedBars(): Bar[] {
    if (scene === "empty") return [];
    const lengthMs = INTERVAL_MS[watch.interval]!;
    const from = toldUntil || Math.floor(now() / lengthMs) * lengthMs;
    if ((now() - from) / lengthMs > BARS_PER_FRAME) bump();
    const bars: Bar[] = [];
    for (let start = from; start < now(); start += lengthMs) {
      const bar = tape().bar(watch.pair, start, lengthMs, now());
      if (bar) bars.push(wireBar(bar, decimalsOf(watch.pair)));
    }
    toldUntil = Math.floor(now() / lengthMs) * lengthMs;
    return bars;
  }

  const decimalsOf = (pair: string) => listings.find((listing) => listing.pair === pair)?.decimals ?? 2;

  function rows(): Row[] {
    const minute = Math.floor(now() / 60_000);
    const withSpark = minute !== sparkMinute;
    sparkMinute = minute;
    return tape().listings.map(({ pair, decimals, simulated }, index) => {
      const last = scene === "empty" ? null : tape().price(pair, now());
      const first = tape().price(pair, tape().fromMs + TICK_MS);
      const change = last !== null && first !== null ? ((last - first) / first) * 100 : null;
      return {
        pair,
        simulated,
        last: last?.toFixed(decimals) ?? null,
        change_pct: change === null ? null : `${change < 0 ? "-" : "+"}${Math.abs(change).toFixed(2)}`,
        spread_bp: last === null || (deck !== "live" && index === 0) ? null : (0.6 + index * 0.3 + random() * 0.2).toFixed(1),
        age_s: last === null ? null : scene === "stale" && index > 2 ? 20 + index * 40 : random() * 2,
        spark: withSpark && last !== null ? tape().bars(pair, 60_000, now(), 60, now()).map((bar) => bar.close) : null,
      };
    });
  }

  function notices(): Notice[] {
    const found: Notice[] = [];
    if (scene === "error") found.push({ level: "error", code: "journal_full", text: "The disk is full: nothing new is recorded. What was recorded is kept; free 2 GB and recording goes on by itself." });
    if (scene === "down" || scene === "error") found.push({ level: "warning", code: "feed_down", text: "Coinbase could not be reached. Trying again in 8 s; the sample plays without it." });
    return found;
  }

  function frame(): Frame {
    advance();
    const bars = changedBars();
    const down = scene === "down" || scene === "error";
    const atMs = scene === "empty" ? 0 : now();
    const on = past();
    const trade = tape().played(atMs) * listings.length;
    const fresh = framed !== generation;
    framed = generation;
    const [trades, quotes, control] = [512_774, 1_204_611, 43_210];
    return {
      generation,
      deck,
      clock: { at_ms: atMs, text: scene === "empty" ? "" : new Date(atMs).toISOString().slice(0, 23).replace("T", " ") },
      transport: {
        playing: on !== null && playing,
        speed,
        progress: reading ? Math.min(1, (performance.now() - reading.since) / READING_MS) : null,
        at_end: on !== null && now() >= on.toMs,
        loop: on?.loop ?? null,
      },
      tape: {
        name: on?.name ?? live.name,
        from_ms: scene === "empty" ? 0 : tape().fromMs,
        to_ms: scene === "empty" ? 0 : (on?.toMs ?? now()),
        trade: scene === "empty" ? 0 : trade,
        trades: scene === "empty" ? 0 : on ? on.of.played(on.toMs) * listings.length : trade,
      },
      watch,
      rows: rows(),
      bars,
      health: {
        feed: down ? "down" : "connected",
        feed_text: down ? "retrying in 8 s: connection refused" : "connected",
        messages_per_s: down ? 0 : 38 + random() * 4,
        journal_p50_ms: 2.1,
        journal_ok: scene !== "error",
        journal_text: scene === "error" ? "no space left on the disk" : "durable",
        counts: { frames: trades + quotes + control + 600 + 12 + 3, trades, quotes, control, history: 600, ignored: 0, duplicates: 12, quarantined: 3 },
      },
      // All of them with a new generation, as the core has it.
      trading: scene === "idle" ? null : account().frame(watch.pair, fresh),
      sessions: on ? on.sessions.frame(fresh) : fresh ? [] : null,
      backfill: earlier.newest(),
      comparing: comparison.newest(),
      notices: notices(),
      noted: analyst.noted(tape(), atMs),
      pulling: analyst.pulling(),
    };
  }

  function send() {
    if (!show || inFlight || scene === "loading") return;
    inFlight = true;
    show(frame());
  }

  const notOnLive = () => new HostError({ code: "not_on_live", what: "The live market can not be moved.", kept: "Nothing changed.", do: "Play the sample to step and seek." });

  function apply(command: Transport) {
    const on = past();
    if (!on) throw notOnLive();
    const lengthMs = INTERVAL_MS[watch.interval]!;
    switch (command.action) {
      case "play":
        playing = now() < on.toMs;
        break;
      case "pause":
        playing = false;
        break;
      case "speed":
        speed = command.times;
        break;
      case "seek":
        moveTo(command.at_ms ?? 0);
        break;
      case "cancel_seek":
        reading = null;
        break;
      case "loop":
        on.loop = command.range as Range | null;
        if (on.loop && (now() < on.loop.from_ms || now() >= on.loop.to_ms)) moveTo(on.loop.from_ms);
        break;
      case "fill":
        stepFill(command.back);
        break;
      case "note": {
        const atMs = analyst.beside(tape(), now(), command.back);
        if (atMs === null) throw new HostError({ code: "no_note", what: "No note lies there.", kept: "Nothing was changed.", do: "Choose another pair." });
        playing = false;
        moveTo(atMs);
        break;
      }
      case "step_tick":
        playing = false;
        moveTo(now() + (command.back ? -TICK_MS : TICK_MS));
        break;
      case "step_bar":
        playing = false;
        moveTo(command.back ? (Math.ceil(now() / lengthMs) - 1) * lengthMs : (Math.floor(now() / lengthMs) + 1) * lengthMs);
        break;
    }
  }

  function stepFill(back: boolean) {
    playing = false;
    const here = now();
    const times = account().fillTimes();
    const to = back ? times.filter((at) => at < here).at(-1) : times.find((at) => at > here);
    if (to !== undefined) moveTo(to);
  }

  const order = (id: string, change: Partial<OrderRequest>): OrderRequest => ({ id, pair: listings[0]!.pair, side: "buy", type: "market", qty: "0.118", limit: null, stop: null, trail: null, tif: "gtc", until: null, reduce_only: false, post_only: false, take_profit: null, stop_loss: null, ...change });

  /** A day of trading before the cursor, at times of its own. */
  function tradeBefore(on: (typeof pasts)["sample"]) {
    const cursor = on.cursor;
    for (const [index, share] of [0.1, 0.22, 0.35, 0.36, 0.37, 0.52, 0.55].entries()) {
      on.cursor = cursor - (1 - share) * Math.min(86_400_000, cursor - on.of.fromMs);
      on.account.trade({ place: order(`p-${index}`, { side: index % 2 ? "sell" : "buy", qty: "0.05" }) });
    }
    on.cursor = cursor;
    on.sessions.grow(on.of.fromMs, on.toMs, scene === "long");
  }

  if (scene === "refuse") pasts.sample.sessions.grow(sample.fromMs, sample.toMs, false);
  if (scene === "traded" || scene === "long") {
    liveAccount.trade({ deposit: { id: "first", amount: scene === "long" ? "90071992547.12345678" : "25000" } });
    const last = live.price(listings[0]!.pair, Date.now()) ?? 1;
    const near = (share: number) => (last * share).toFixed(listings[0]!.decimals);
    liveAccount.trade({ place: order("b7f0c1de-8a41-4c0e-9d3f-01", { take_profit: near(1.004), stop_loss: near(0.996), qty: scene === "long" ? "1234.12345678" : "0.118" }) });
    liveAccount.trade({ place: order("m-0021", { pair: listings[2]!.pair, qty: "46.2" }) });
    liveAccount.trade({ place: order("m-0022", { pair: listings[2]!.pair, side: "sell", qty: "6.2" }) });
    liveAccount.trade({ place: order("e02c44aa-55f1-4b2c-8b9f-02", { type: "limit", limit: near(0.998), qty: "0.05" }) });
    tradeBefore(pasts.sample);
    tradeBefore(pasts.replay);
  }

  return {
    ...openLake(sample, scene, { trade: (request) => account().trade(request) }),
    async trade(request) {
      if (scene === "idle") throw new HostError({ code: "not_recording", what: "Nothing is being recorded.", kept: "Nothing was changed.", do: "Start Tapedeck again." });
      // As long as a sync of the journal takes.
      await new Promise((resolve) => setTimeout(resolve, scene === "slow" ? 2_000 : 4));
      const answer = account().trade(request);
      if (typeof request === "object" && request.place) past()?.sessions.traded(now(), "100000");
      return answer;
    },
    desk: async () => ({
      version: "0.1.0 (browser)",
      data_directory: "none: a made-up market",
      pairs: listings.map((listing) => listing.pair),
      intervals: Object.keys(INTERVAL_MS),
      speeds: [1, 10, 60, 600],
      earlier_history: true,
      indicators: [],
    }),
    async openFrames(to) {
      show = to;
      setInterval(send, 33);
    },
    drawn: () => (inFlight = false),
    async chooseDeck(chosen) {
      deck = chosen;
      reading = null;
      bump();
    },
    async replay(atMs) {
      deck = "replay";
      playing = false;
      pasts.replay.toMs = Math.max(pasts.replay.toMs, Date.now());
      reading = null;
      bump();
      moveTo(atMs);
    },
    async session(command) {
      const on = past();
      if (!on) throw notOnLive();
      const answer = on.sessions.tell(command, moveTo);
      bump();
      return answer;
    },
    async compare(first, second) {
      const on = past();
      if (!on) throw notOnLive();
      comparison.start(on.sessions.row(first), on.sessions.row(second), on.of.fromMs);
    },
    async cancelComparison() {
      comparison.cancel();
    },
    comparison: async () => comparison.result(),
    async watch(chosen) {
      watch = chosen;
      bump();
    },
    async transport(command) {
      if (scene === "refuse") {
        const what = "The tape could not be moved: its block 41 fails its checksum.";
        throw new HostError({ code: "tape_damaged", what, kept: "The clock stands where it was; nothing was written.", do: "Run tapedeck verify to see which ticks are affected." });
      }
      apply(command);
    },
    async history({ pair, interval, beforeMs, limit }) {
      if (scene === "empty") return blankSeries(0).buffer;
      const lengthMs = INTERVAL_MS[interval]!;
      const bars = tape().bars(pair, lengthMs, beforeMs ?? Infinity, limit, now());
      if (deck !== "live") return encode(bars);
      return encode([...earlier.bars(pair, lengthMs, beforeMs ?? Infinity, limit - bars.length), ...bars]);
    },
    async backfill(pair, months) {
      earlier.start(pair, months);
    },
    async cancelBackfill() {
      earlier.cancel();
    },
    alike: (pair, across) => patterns.alike(tape(), now(), pair, across),
    notes: (pair, beforeMs, limit) => analyst.notes(tape(), now(), pair, beforeMs, limit),
    note: (id) => analyst.note(tape(), now(), id),
    askAnalyst: (pair) => analyst.ask(tape(), now, pair),
    models: async () => analyst.models(),
    chooseModel: async (name) => analyst.choose(name),
    pullModel: async (name) => analyst.pull(name),
    cancelPull: async () => analyst.cancelPull(),
    async timeline(range) {
      if (scene === "empty") return blankSeries(0).buffer;
      const until = Math.min(past()?.toMs ?? now(), range?.to_ms ?? Infinity);
      const from = Math.max(tape().fromMs, range?.from_ms ?? -Infinity);
      const length = Object.values(INTERVAL_MS).find((each) => (until - from) / each <= TIMELINE_BARS) ?? 86_400_000;
      return encode(tape().bars(watch.pair, length, Infinity, Math.ceil((until - from) / length), until));
    },
  };
}

function wireBar(bar: PlotBar, decimals: number): Bar {
  return {
    time_ms: bar.timeMs,
    open: bar.open.toFixed(decimals),
    high: bar.high.toFixed(decimals),
    low: bar.low.toFixed(decimals),
    close: bar.close.toFixed(decimals),
    volume: bar.volume.toFixed(8),
    tick_count: bar.ticks,
    quality: bar.quality,
  };
}

function encode(bars: readonly PlotBar[]): ArrayBuffer {
  const { buffer, series } = blankSeries(bars.length);
  bars.forEach((bar, row) => {
    series.timeMs[row] = bar.timeMs;
    series.open[row] = bar.open;
    series.high[row] = bar.high;
    series.low[row] = bar.low;
    series.close[row] = bar.close;
    series.volume[row] = bar.volume;
    series.tickCount[row] = bar.ticks;
    series.quality[row] = QUALITIES.indexOf(bar.quality);
  });
  return buffer;
}
