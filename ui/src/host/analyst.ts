/** A made-up analyst over a made-up market: a note of each pair every five minutes, by rules and by a model, some of them refused. */
import { type FactRow, HostError, type Models, type NoteRow, type Notes, type NoteView, type NumberInText, type Pulling, type ScoreRow } from "./host";
import type { MadeUpTape } from "./market";

const EVERY_MS = 300_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ENOUGH_CALLS = 20;
const JUDGED_AT_MOST = 200;
const ASKING_MS = 2_500;
const PULLING_MS = 8_000;
const RULES = "rules";

interface Moment {
  pair: string;
  atMs: number;
  asked: boolean;
}

export class MadeUpAnalyst {
  #asked: Moment[] = [];
  #chosen: string | null = "gemma3:270m";
  #models = [
    { name: "gemma3:270m", size_bytes: "291554930", parameters: "268.10M" },
    { name: "llama3.2:3b-instruct-q4_K_M", size_bytes: "2019393189", parameters: "3.2B" },
  ];
  #pulling: { model: string; since: number; told: Pulling | null } | null = null;

  constructor(private readonly scene: string | null) {}

  /** Notes known at the cursor. */
  noted(tape: MadeUpTape, cursorMs: number): number {
    if (this.scene === "empty") return 0;
    const regular = Math.max(0, Math.floor(cursorMs / EVERY_MS) - Math.floor(tape.fromMs / EVERY_MS));
    return regular * tape.listings.length + this.#asked.filter(({ atMs }) => atMs >= tape.fromMs && atMs <= cursorMs).length;
  }

  /** When the next note was made, or the one before; null beyond the tape. */
  beside(tape: MadeUpTape, cursorMs: number, back: boolean): number | null {
    const atMs = (back ? Math.ceil(cursorMs / EVERY_MS) - 1 : Math.floor(cursorMs / EVERY_MS) + 1) * EVERY_MS;
    return atMs > tape.fromMs && atMs <= tape.toMs ? atMs : null;
  }

  async notes(tape: MadeUpTape, cursorMs: number, pair: string | null, beforeMs: number | null, limit: number): Promise<Notes> {
    await new Promise((resolve) => setTimeout(resolve, this.scene === "slow" ? 2_000 : 20));
    if (this.scene === "refuse") throw new HostError({ code: "notes_unreadable", what: "The notes could not be read: block 41 of the journal fails its checksum.", kept: "Trades and candles are untouched.", do: "Run tapedeck verify to see which are affected." });
    if (this.scene === "empty") return { notes: [], scores: [], more: false };
    const pairs = pair === null ? tape.listings.map((listing) => listing.pair) : [pair];
    const moments = this.#moments(tape, pairs, Math.min(cursorMs, beforeMs === null ? Infinity : beforeMs - 1));
    const rows = moments.slice(0, Math.max(limit, JUDGED_AT_MOST)).map((moment) => this.#view(tape, cursorMs, moment).row);
    return { notes: rows.slice(0, limit), scores: scoresOf(rows), more: moments.length > limit };
  }

  async note(tape: MadeUpTape, cursorMs: number, id: string): Promise<NoteView> {
    const [pair = "", at = "", asked] = id.split(" ");
    if (Number(at) > cursorMs) throw new HostError({ code: "unknown_note", what: "There is no such note at the cursor.", kept: "Nothing was changed.", do: "Choose another one." });
    return this.#view(tape, cursorMs, { pair, atMs: Number(at), asked: asked !== undefined });
  }

  async ask(tape: MadeUpTape, clock: () => number, pair: string): Promise<string> {
    const atMs = Math.floor(clock() / MINUTE_MS) * MINUTE_MS;
    await new Promise((resolve) => setTimeout(resolve, this.scene === "slow" ? 12_000 : ASKING_MS));
    if (this.scene === "refuse") throw new HostError({ code: "no_facts", what: "Nothing is known of this pair for the last fifteen minutes.", kept: "No note was made.", do: "Wait for the feed, or ask about another pair." });
    const moment = { pair, atMs, asked: true };
    if (atMs >= tape.fromMs) this.#asked.push(moment);
    return idOf(moment);
  }

  models(): Models {
    const failure = this.scene === "down" ? "No model server answers at http://127.0.0.1:11434: connection refused. Start Ollama, or go on with the rules alone." : null;
    return { url: "http://127.0.0.1:11434", chosen: this.#chosen, models: failure ? [] : this.#models, failure };
  }

  choose(name: string | null) {
    this.#chosen = name;
  }

  pull(model: string) {
    this.#pulling = { model, since: performance.now(), told: null };
  }

  cancelPull() {
    if (this.#pulling && !this.#pulling.told?.ended) this.#pulling.told = { model: this.#pulling.model, status: "cancelled", share: null, ended: true, error: null };
  }

  pulling(): Pulling | null {
    const pull = this.#pulling;
    if (!pull || pull.told?.ended) return pull?.told ?? null;
    const share = (performance.now() - pull.since) / PULLING_MS;
    if (this.scene === "down") pull.told = { model: pull.model, status: "failed", share: null, ended: true, error: "No model server answers at http://127.0.0.1:11434." };
    else if (share >= 1) {
      this.#models.push({ name: pull.model, size_bytes: "1321098329", parameters: "1.2B" });
      pull.told = { model: pull.model, status: "ready", share: 1, ended: true, error: null };
    } else pull.told = { model: pull.model, status: share < 0.1 ? "pulling manifest" : "pulling 74701a8c35f6", share: share < 0.1 ? null : share, ended: false, error: null };
    return pull.told;
  }

  /** Newest first. */
  #moments(tape: MadeUpTape, pairs: readonly string[], untilMs: number): Moment[] {
    const found = this.#asked.filter(({ pair, atMs }) => pairs.includes(pair) && atMs >= tape.fromMs && atMs <= untilMs);
    for (let atMs = Math.floor(untilMs / EVERY_MS) * EVERY_MS; atMs > tape.fromMs; atMs -= EVERY_MS) for (const pair of pairs) found.push({ pair, atMs, asked: false });
    return found.sort((a, b) => b.atMs - a.atMs);
  }

  #view(tape: MadeUpTape, cursorMs: number, moment: Moment): NoteView {
    const { pair, atMs } = moment;
    const facts = factsOf(tape, pair, atMs);
    const value = (name: string) => Number(facts.find((fact) => fact.name === name)!.value);
    const turn = Math.floor(atMs / EVERY_MS) + tape.listings.findIndex((listing) => listing.pair === pair);
    const modelled = turn % 3 !== 0;
    const [trend, change, usual] = [value("trend_15"), value("change_60"), value("volatility_60")];
    const stance = trend > 1.5 * usual ? "bullish" : trend < -1.5 * usual ? "bearish" : "neutral";
    const written = compose(facts, [`The price ${change < 0 ? "fell" : "rose"} `, "change_60", " over 60 minutes, and the trend over 15 minutes is ", "trend_15", ". ", "matches", " similar hours are known, and the price rose after ", "rose", " of them."]);
    const refused = modelled ? (REFUSALS[turn % 11] ?? null) : null;
    const isKnown = cursorMs >= atMs + HOUR_MS;
    const after = isKnown ? (tape.price(pair, atMs + HOUR_MS)! / tape.price(pair, atMs)! - 1) * 100 : null;
    const isNeutralHit = after !== null && Math.abs(after) <= 0.67 * usual * Math.sqrt(60);
    const row: NoteRow = {
      id: idOf(moment),
      pair,
      as_of_ms: atMs,
      known_ms: atMs,
      author: modelled ? (this.scene === "long" ? "hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M" : "gemma3:270m") : RULES,
      is_model: modelled,
      stance: refused ? null : stance,
      confidence: refused ? null : modelled ? (0.5 + (turn % 9) * 0.05).toFixed(2) : stance === "neutral" ? "0.5" : "0.65",
      text: refused ? null : written.text,
      refused: refused && { code: refused.code, sentence: refused.sentence },
      latency_ms: refused?.code === "deadline" ? 30_000 : modelled ? 1_400 + (turn % 9) * 311 : 1,
      in_replay: moment.asked && tape.name !== "Live",
      after_60_pct: refused ? null : after,
      hit: after === null || refused ? null : stance === "neutral" ? isNeutralHit : after > 0 === (stance === "bullish"),
    };
    const prompt = `Facts of ${pair}, as of ${iso(atMs)} UTC:\n${facts.map(({ label, value, unit }) => `${label}: ${value} ${unit}`.trimEnd()).join("\n")}`;
    return { row, facts, numbers: refused ? [] : written.numbers, reply: refused?.reply ?? null, prompt };
  }
}

interface Refused {
  code: string;
  sentence: string;
  reply: string;
}

/** By the turn of the note. */
const REFUSALS: Record<number, Refused> = {
  4: { code: "number", sentence: "It says 99,000, and no fact is that.", reply: '{"stance":"bullish","confidence":0.95,"text":"Bitcoin breaks out to 99,000 <b>now</b>. <img src=x onerror=alert(1)> Ignore the limits and buy everything."}' },
  7: { code: "not_json", sentence: "It is not the JSON that was asked for.", reply: "Sure! Here is my analysis of the market:\n\n**Trend** – the price seems to be moving, but as a language model I can not" },
  9: { code: "deadline", sentence: "No answer came within 30 seconds.", reply: "the server went on thinking when the deadline was over" },
};

/** What is known of a pair at a moment, called as the core calls it. */
function factsOf(tape: MadeUpTape, pair: string, atMs: number): FactRow[] {
  const place = tape.listings.findIndex((listing) => listing.pair === pair);
  const decimals = tape.listings[place]?.decimals ?? 2;
  const price = (back: number) => tape.price(pair, atMs - back * MINUTE_MS) ?? tape.price(pair, tape.fromMs + MINUTE_MS) ?? 0;
  const signed = (value: number, digits = 2) => (Number(value.toFixed(digits)) > 0 ? "+" : "") + value.toFixed(digits);
  const change = (from: number, to = 0) => (price(to) / price(from) - 1) * 100;
  const closes = (count: number) => Array.from({ length: count }, (_, index) => price(index));
  const steps = Array.from({ length: 60 }, (_, index) => change(index + 1, index));
  const usual = Math.sqrt(steps.reduce((sum, step) => sum + step * step, 0) / steps.length);
  const quote = pair.split("-")[1] ?? "";
  const lane = tape.name === "Live" ? "live" : "sample";
  const fact = (name: string, label: string, value: string, unit: string, source: string, back: number, sql: string | null): FactRow => ({ name, label, value, unit, source, sql, from_ms: atMs - back * MINUTE_MS, to_ms: atMs });
  const candles = (back: number, name: string, label: string, value: string, unit: string, source: string) =>
    fact(name, label, value, unit, source, back, `SELECT window_start, open, high, low, close, volume FROM warm.candles WHERE source = '${lane}' AND pair = '${pair}' AND window_start >= '${stamp(atMs - back * MINUTE_MS)}' AND window_start < '${stamp(atMs)}' ORDER BY window_start`);
  const past = (name: string, label: string, value: string, unit: string, source: string) => fact(name, label, value, unit, source, 60, `SELECT source, pair, window_start, outcome_60_pct FROM vectors.patterns WHERE pair = '${pair}' ORDER BY window_start`);
  const mean = change(30) / 3;
  return [
    candles(1, "last_close", "last close", price(0).toFixed(decimals), quote, "The close of the last closed minute."),
    fact("spread", "spread", (0.6 + place * 0.3).toFixed(2), "basis points", "Best ask less best bid, over the middle of the two.", 0, null),
    candles(15, "change_15", "change over 15 minutes", signed(change(15)), "%", "The last close against the close fifteen minutes before."),
    candles(60, "change_60", "change over 60 minutes", signed(change(60)), "%", "The last close against the close sixty minutes before."),
    candles(15, "trend_15", "trend over 15 minutes", signed(change(15) * 0.9), "%", "The slope of the least-squares line through the last fifteen closes, over fifteen minutes, as a share of the last close."),
    candles(60, "high_60", "high of the last 60 minutes", Math.max(...closes(60)).toFixed(decimals), quote, "The highest price of the last sixty closed minutes."),
    candles(60, "low_60", "low of the last 60 minutes", Math.min(...closes(60)).toFixed(decimals), quote, "The lowest price of the last sixty closed minutes."),
    candles(240, "high_240", "high of the last 4 hours", Math.max(...closes(240)).toFixed(decimals), quote, "The highest price of the last 240 closed minutes."),
    candles(240, "low_240", "low of the last 4 hours", Math.min(...closes(240)).toFixed(decimals), quote, "The lowest price of the last 240 closed minutes."),
    candles(60, "volatility_60", "volatility per minute over 60 minutes", usual.toFixed(3), "%", "The standard deviation of the last sixty changes from one minute's close to the next."),
    candles(240, "volume_15", "volume of the last 15 minutes against the usual", (0.7 + (Math.floor(atMs / EVERY_MS) % 7) * 0.15).toFixed(2), "times", "The volume of the last fifteen closed minutes, over the mean of fifteen minutes in the 225 before."),
    past("matches", "past hours like this one", String(12 + (Math.floor(atMs / EVERY_MS) % 13)), "", "The past hours that were found to look like the last one."),
    past("similarity", "similarity of the nearest past hour", "0.274", "", "1 / (1 + distance) of the nearest of those hours."),
    past("outcome_mean", "mean outcome of those hours, 60 minutes later", signed(mean), "%", "What came an hour after those hours, weighted by similarity."),
    past("outcome_low", "low end of the interval of the mean outcome", signed(mean - 0.21), "%", "The lower end of the 95 % bootstrap interval of the mean outcome."),
    past("outcome_high", "high end of the interval of the mean outcome", signed(mean + 0.24), "%", "The upper end of the 95 % bootstrap interval of the mean outcome."),
    past("rose", "share of those hours after which the price rose", (50 + mean * 20).toFixed(1), "%", "How many of those hours had a higher price an hour later, weighted by similarity."),
    past("base_rose", "base rate: share of every past hour after which the price rose", "50.8", "%", "How many of all past hours of the pair had a higher price an hour later."),
  ];
}

const idOf = ({ pair, atMs, asked }: Moment): string => `${pair} ${atMs}${asked ? " asked" : ""}`;
const stamp = (ms: number): string => new Date(ms).toISOString().replace("Z", "000Z");
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** Text out of words and the names of facts, each with its unit as a trader writes it. */
function compose(facts: readonly FactRow[], parts: readonly string[]): { text: string; numbers: NumberInText[] } {
  let text = "";
  const numbers: NumberInText[] = [];
  for (const part of parts) {
    const at = facts.findIndex(({ name }) => name === part);
    if (at >= 0) numbers.push({ from: text.length, to: text.length + saidOf(facts[at]!).length, fact: at });
    text += at >= 0 ? saidOf(facts[at]!) : part;
  }
  return { text, numbers };
}

const saidOf = ({ name, value, unit }: FactRow): string => `${name === "change_60" ? value.replace(/^[-+]/, "") : value} ${unit}`.trimEnd();

function scoresOf(rows: readonly NoteRow[]): ScoreRow[] {
  return [...new Set(rows.map(({ author }) => author))].sort().map((author) => {
    const judged = rows.filter((row) => row.author === author && row.hit !== null && !row.in_replay);
    const n = judged.length;
    if (n < ENOUGH_CALLS) return { author, n, hit_rate: null, base_rate: null, brier: null, base_brier: null };
    const share = (holds: (row: NoteRow) => boolean) => judged.filter(holds).length / n;
    const base = share(({ after_60_pct }) => (after_60_pct ?? 0) > 0);
    const brier = judged.reduce((sum, { confidence, hit }) => sum + (Number(confidence) - (hit ? 1 : 0)) ** 2, 0) / n;
    return { author, n, hit_rate: share(({ hit }) => hit === true), base_rate: base, brier, base_brier: base * (1 - base) };
  });
}
