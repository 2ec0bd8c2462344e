/** Hours like the last one in a made-up market, found by comparing all of them; the intervals are of a plain normal, where the core resamples. */
import { type Alike, type AlikeMatch, type EstimateView, type FollowedView, HostError, type SpreadView } from "./host";
import type { MadeUpTape } from "./market";

const MINUTE = 60_000;
const HOUR_MINUTES = 60;
/** Between the hours that are known. */
const STEP_MINUTES = 3;
const MATCHES = 24;
const TOO_FEW = 8;
const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];

interface Known {
  pair: string;
  endMs: number;
  distance: number;
}

export class MadeUpPatterns {
  constructor(private readonly scene: string | null) {}

  async alike(tape: MadeUpTape, cursorMs: number, pair: string, across: boolean): Promise<Alike> {
    await new Promise((resolve) => setTimeout(resolve, this.scene === "slow" ? 3_000 : 40));
    if (this.scene === "refuse") throw new HostError({ code: "patterns_damaged", what: "The patterns could not be read: a file of the table is missing.", kept: "Candles and trades are untouched.", do: "Run tapedeck patterns build to make them again." });
    const endMs = Math.floor(cursorMs / MINUTE) * MINUTE;
    const empty = { pair, at_ms: cursorMs, window_end_ms: endMs, closes: [], searched: "exact", known: 0, across, matches: [], followed: null, base_rate: null };
    if (this.scene === "empty" || endMs - tape.fromMs < HOUR_MINUTES * MINUTE) return { ...empty, refused: "Fewer than sixty minutes of this pair are known before the cursor." };
    const closes = hour(tape, pair, endMs);
    const gap = gapIn(tape, endMs - HOUR_MINUTES * MINUTE, endMs);
    if (gap !== null) return { ...empty, closes, refused: `The hour has a hole in it: the minute of ${new Date(gap).toISOString().slice(11, 16)} is missing.` };
    const pairs = across ? tape.listings.map((listing) => listing.pair) : [pair];
    const known = pairs.flatMap((each) => knownOf(tape, each, endMs, zScores(closes)));
    const matches = apart(known, pair).slice(0, MATCHES).map((each) => matchOf(tape, each));
    const base = knownOf(tape, pair, endMs, zScores(closes)).map((each) => matchOf(tape, each));
    return { ...empty, closes, refused: matches.length === 0 ? "No hour whose outcome is known came before this one." : null, searched: across ? "index" : "exact", known: known.length, matches, followed: followed(matches), base_rate: followed(base) };
  }
}

function hour(tape: MadeUpTape, pair: string, endMs: number, minutes = HOUR_MINUTES): number[] {
  return Array.from({ length: minutes }, (_, index) => tape.price(pair, endMs - (minutes - 1 - index) * MINUTE) ?? 0);
}

function gapIn(tape: MadeUpTape, fromMs: number, toMs: number): number | null {
  const [from, to] = [tape.fromMs + tape.gap.from * MINUTE, tape.fromMs + tape.gap.to * MINUTE];
  return from < toMs && to > fromMs ? Math.max(from, fromMs) : null;
}

function zScores(closes: readonly number[]): number[] {
  const mean = closes.reduce((sum, close) => sum + close, 0) / closes.length;
  const deviation = Math.sqrt(closes.reduce((sum, close) => sum + (close - mean) ** 2, 0) / closes.length) || 1;
  return closes.map((close) => (close - mean) / deviation);
}

/** Every hour whose outcome was known at the cursor. */
function knownOf(tape: MadeUpTape, pair: string, cursorMs: number, shape: readonly number[]): Known[] {
  const found: Known[] = [];
  for (let endMs = cursorMs - HOUR_MINUTES * MINUTE; endMs - HOUR_MINUTES * MINUTE > tape.fromMs; endMs -= STEP_MINUTES * MINUTE) {
    if (gapIn(tape, endMs - HOUR_MINUTES * MINUTE, endMs + HOUR_MINUTES * MINUTE) !== null) continue;
    const other = zScores(hour(tape, pair, endMs));
    found.push({ pair, endMs, distance: other.reduce((sum, score, index) => sum + (score - shape[index]!) ** 2, 0) / 5 });
  }
  return found;
}

/** The nearest first; of hours of one pair that overlap, one. */
function apart(known: readonly Known[], own: string): Known[] {
  const kept: Known[] = [];
  for (const each of [...known].sort((a, b) => a.distance - b.distance || Number(b.pair === own) - Number(a.pair === own))) {
    if (kept.every((other) => other.pair !== each.pair || Math.abs(other.endMs - each.endMs) >= HOUR_MINUTES * MINUTE)) kept.push(each);
  }
  return kept;
}

function matchOf(tape: MadeUpTape, { pair, endMs, distance }: Known): AlikeMatch {
  const closes = hour(tape, pair, endMs + HOUR_MINUTES * MINUTE, 2 * HOUR_MINUTES);
  const last = closes[HOUR_MINUTES - 1]!;
  const percents = closes.map((close) => (close / last - 1) * 100);
  const after = percents.slice(HOUR_MINUTES);
  return {
    id: `${pair}-${endMs}`,
    source: tape.name,
    pair,
    window_start_ms: endMs - HOUR_MINUTES * MINUTE,
    window_end_ms: endMs,
    similarity: 1 / (1 + distance),
    distance,
    after_15_pct: after[14]!,
    after_30_pct: after[29]!,
    after_60_pct: after[59]!,
    max_pct: Math.max(...after),
    min_pct: Math.min(...after),
    closes_pct: percents,
  };
}

function followed(matches: readonly AlikeMatch[]): FollowedView | null {
  if (matches.length === 0) return null;
  const spread = (value: (match: AlikeMatch) => number): SpreadView => {
    const values = matches.map(value).sort((a, b) => a - b);
    return { quantiles: QUANTILES.map((share) => values[Math.round(share * (values.length - 1))]!), mean: estimate(values) };
  };
  return {
    n: matches.length,
    rose: estimate(matches.map((match) => (match.after_60_pct > 0 ? 1 : 0))),
    after_15: spread((match) => match.after_15_pct),
    after_30: spread((match) => match.after_30_pct),
    after_60: spread((match) => match.after_60_pct),
    max: spread((match) => match.max_pct),
    min: spread((match) => match.min_pct),
  };
}

function estimate(values: readonly number[]): EstimateView {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < TOO_FEW) return { mean, low: null, high: null };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  const reach = (1.96 * deviation) / Math.sqrt(values.length);
  return { mean, low: mean - reach, high: mean + reach };
}
