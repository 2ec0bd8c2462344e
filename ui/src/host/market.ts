/** A made-up market for the plain browser: the same on every visit, so that screenshots can be compared. */
import type { PlotBar } from "../charts/bars";
import type { Quality } from "./host";

export interface Listing {
  pair: string;
  price: number;
  decimals: number;
  simulated: boolean;
}

export const LISTINGS: readonly Listing[] = [
  { pair: "BTC-USD", price: 42_180, decimals: 2, simulated: false },
  { pair: "ETH-USD", price: 2_297.4, decimals: 2, simulated: true },
  { pair: "SOL-USD", price: 101.87, decimals: 2, simulated: true },
  { pair: "DOGE-USD", price: 0.08971, decimals: 5, simulated: true },
  { pair: "AVAX-USD", price: 40.12, decimals: 2, simulated: true },
  { pair: "LINK-USD", price: 15.206, decimals: 3, simulated: true },
];

export const INTERVAL_MS: Record<string, number> = { "1m": 60e3, "5m": 300e3, "15m": 900e3, "1h": 3600e3, "4h": 14_400e3, "1d": 86_400e3 };

const MINUTE = 60_000;
const TICKS_PER_MINUTE = 24;
export const TICK_MS = MINUTE / TICKS_PER_MINUTE;

export function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

export class MadeUpTape {
  readonly toMs: number;
  private readonly prices = new Map<string, Float64Array>();
  private readonly sizes = new Map<string, Float64Array>();

  constructor(
    readonly name: string,
    readonly fromMs: number,
    readonly minutes: number,
    readonly listings: readonly Listing[],
    /** A stretch without ticks that was never filled, in minutes from the start. */
    readonly gap: { from: number; to: number },
  ) {
    this.toMs = fromMs + minutes * MINUTE;
    listings.forEach((listing, index) => {
      const random = pseudoRandom(1_000_003 + index * 7_919);
      const count = minutes * TICKS_PER_MINUTE;
      const prices = new Float64Array(count);
      const sizes = new Float64Array(count);
      const unit = 10 ** listing.decimals;
      let price = listing.price;
      let trend = 0;
      for (let tick = 0; tick < count; tick++) {
        if (tick % 1_500 === 0) trend = (random() - 0.46) * 0.00002;
        price *= 1 + trend + (random() - 0.5) * 0.00042;
        prices[tick] = Math.max(1, Math.round(price * unit)) / unit;
        const hour = ((tick / TICKS_PER_MINUTE / 60) % 24) / 24;
        sizes[tick] = (0.25 + Math.sin(hour * Math.PI) ** 2) * random() ** 3 * (4_000 / listing.price);
      }
      this.prices.set(listing.pair, prices);
      this.sizes.set(listing.pair, sizes);
    });
  }

  /** Ticks of one pair played by `atMs`. */
  played(atMs: number): number {
    return Math.max(0, Math.min(this.minutes * TICKS_PER_MINUTE, Math.floor((atMs - this.fromMs) / TICK_MS)));
  }

  /** One tick, with the size that traded. */
  tick(pair: string, index: number): { timeMs: number; price: number; size: number } {
    return { timeMs: this.fromMs + index * TICK_MS, price: this.prices.get(pair)?.[index] ?? 0, size: this.sizes.get(pair)?.[index] ?? 0 };
  }

  price(pair: string, atMs: number): number | null {
    return this.prices.get(pair)?.[this.played(atMs) - 1] ?? null;
  }

  /** The bar that starts at `startMs`, as it was known at `atMs`. */
  bar(pair: string, startMs: number, lengthMs: number, atMs: number): PlotBar | null {
    const prices = this.prices.get(pair);
    const sizes = this.sizes.get(pair);
    const from = Math.max(0, Math.round((startMs - this.fromMs) / TICK_MS));
    const to = Math.min(this.played(atMs), Math.round((startMs + lengthMs - this.fromMs) / TICK_MS));
    if (!prices || !sizes || to <= from) return null;
    const open = prices[Math.max(0, from - 1)]!;
    let [high, low, volume] = [open, open, 0];
    for (let tick = from; tick < to; tick++) {
      high = Math.max(high, prices[tick]!);
      low = Math.min(low, prices[tick]!);
      volume += sizes[tick]!;
    }
    const minute = (startMs - this.fromMs) / MINUTE;
    const gap = minute < this.gap.to && minute + lengthMs / MINUTE > this.gap.from;
    const quality: Quality = startMs + lengthMs > atMs ? "forming" : gap ? "gap" : "complete";
    return { timeMs: startMs, open, high, low, close: prices[to - 1]!, volume, ticks: to - from, quality };
  }

  /** Bars that start before `beforeMs`, the newest `limit` of them, oldest first. */
  bars(pair: string, lengthMs: number, beforeMs: number, limit: number, atMs: number): PlotBar[] {
    const bars: PlotBar[] = [];
    const last = Math.floor((Math.min(atMs, beforeMs - 1) - 1) / lengthMs) * lengthMs;
    for (let start = last; start > this.fromMs - lengthMs && bars.length < limit; start -= lengthMs) {
      const bar = this.bar(pair, start, lengthMs, atMs);
      if (bar) bars.push(bar);
    }
    return bars.reverse();
  }
}
