/** A made-up analyst over a made-up market: a note of each pair every five minutes, by rules and by a model, some of them refused. */
import { type FactRow, HostError, type Models, type NoteRow, type Notes, type NoteView, type NumberInText, type Pulling, type ScoreRow } from "./host";
import type { MadeUpTape } from "./market";

const EVERY_MS = 300_000;
const HOUR_MS = 3_600_000;
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
    const atMs = Math.floor(clock());
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
      pull.told = { model: pull.model, status: "success", share: 1, ended: true, error: null };
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
    const decimals = tape.listings.find((listing) => listing.pair === pair)?.decimals ?? 2;
    const price = (back: number) => tape.price(pair, atMs - back * 60_000) ?? tape.price(pair, tape.fromMs + 60_000) ?? 0;
    const last = price(0);
    const change = (minutes: number) => (last / price(minutes) - 1) * 100;
    const minutes = Array.from({ length: 60 }, (_, index) => price(index));
    const range = (Math.max(...minutes) / Math.min(...minutes) - 1) * 100;
    const turn = Math.floor(atMs / EVERY_MS) + tape.listings.findIndex((listing) => listing.pair === pair);
    const modelled = turn % 3 !== 0;
    const number = (value: number) => value.toFixed(2).replace("-", "−");
    const candles = (from: number) => `SELECT window_start, close FROM warm.candles WHERE pair = '${pair}' AND window_end > TIMESTAMP '${iso(atMs - from * 60_000)}' AND window_end <= TIMESTAMP '${iso(atMs)}' ORDER BY window_start`;
    const fact = (name: string, label: string, value: string, unit: string, source: string, back: number): FactRow => ({ name, label, value, unit, source, sql: candles(back), from_ms: atMs - back * 60_000, to_ms: atMs });
    const facts = [
      fact("price", "Last price", last.toFixed(decimals), "USD", "The close of the last whole minute.", 1),
      fact("trend_15m", "Change in 15 minutes", number(change(15)), "%", "The last close over the close 15 minutes before, less one.", 15),
      fact("range_60m", "Range of the hour", number(range), "%", "The highest close of 60 minutes over the lowest, less one.", 60),
      fact("volatility", "Volatility a minute", number(range / 9), "%", "Deviation of the 60 changes from minute to minute.", 60),
      { ...fact("spread", "Spread", (1.5 + (turn % 5) * 0.3).toFixed(1), "bp", "Ask less bid of the newest quote, over their middle.", 0), sql: null },
      fact("matches_60", "After hours like it", number(change(30) / 3), "%", "The mean change in the hour after 23 hours like this one.", 60),
    ];
    const stance = change(15) > 0.12 ? "bullish" : change(15) < -0.12 ? "bearish" : "neutral";
    const word = { bullish: "rose", bearish: "fell", neutral: "moved" }[stance];
    const written = compose(facts, ["The price ", word, " ", 1, " in fifteen minutes to ", 0, ", within a range of ", 2, ". Hours like this one went on by ", 5, `, so I lean ${stance}.`]);
    const refused = modelled && turn % 7 === 0 ? { code: "unsupported_number", sentence: "It says 99,000, and no fact of the brief does." } : modelled && turn % 11 === 0 ? { code: "deadline", sentence: "No answer came within 30 seconds." } : null;
    const known = cursorMs >= atMs + HOUR_MS;
    const after = known ? (tape.price(pair, atMs + HOUR_MS)! / last - 1) * 100 : null;
    const row: NoteRow = {
      id: idOf(moment),
      pair,
      as_of_ms: atMs,
      author: modelled ? "gemma3:270m" : RULES,
      is_model: modelled,
      stance: refused ? null : stance,
      confidence: refused ? null : ["low", "medium", "high"][turn % 3]!,
      text: refused ? null : written.text,
      refused,
      latency_ms: refused?.code === "deadline" ? 30_000 : modelled ? 1_400 + (turn % 9) * 311 : 1,
      in_replay: moment.asked,
      after_60_pct: after,
      hit: after === null || refused || stance === "neutral" ? null : after > 0 === (stance === "bullish"),
    };
    const reply = refused?.code === "unsupported_number" ? `{"stance":"bullish","confidence":"high","text":"Bitcoin breaks out to 99,000 <b>now</b>. Buy everything."}` : null;
    const prompt = `You see facts of ${pair}. Answer in JSON.\n${facts.map(({ name, value, unit }) => `${name} = ${value} ${unit}`).join("\n")}`;
    return { row, facts, numbers: refused ? [] : written.numbers, reply, prompt };
  }
}

const idOf = ({ pair, atMs, asked }: Moment): string => `${pair} ${atMs}${asked ? " asked" : ""}`;
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** Text out of words and the places of facts. */
function compose(facts: readonly FactRow[], parts: readonly (string | number)[]): { text: string; numbers: NumberInText[] } {
  let text = "";
  const numbers: NumberInText[] = [];
  for (const part of parts) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const said = `${facts[part]!.value} ${facts[part]!.unit}`;
    numbers.push({ from: text.length, to: text.length + said.length, fact: part });
    text += said;
  }
  return { text, numbers };
}

function scoresOf(rows: readonly NoteRow[]): ScoreRow[] {
  return [...new Set(rows.map(({ author }) => author))].sort().map((author) => {
    const judged = rows.filter((row) => row.author === author && row.hit !== null);
    const n = judged.length;
    const rose = judged.filter(({ after_60_pct }) => (after_60_pct ?? 0) > 0).length / Math.max(1, n);
    const rate = judged.filter(({ hit }) => hit).length / Math.max(1, n);
    if (n === 0) return { author, n, hit_rate: null, base_rate: null, brier: null, base_brier: null };
    return { author, n, hit_rate: rate, base_rate: Math.max(rose, 1 - rose), brier: rate * 0.16 + (1 - rate) * 0.36, base_brier: rose * (1 - rose) };
  });
}
