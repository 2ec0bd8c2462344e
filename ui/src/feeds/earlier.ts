/** What the chart says of history before its first bar: an offer to load it, how far that is, how it ended. */
import type { Backfill, Failure } from "../host";
import { formatCount } from "../shared/number";
import { formatMonth } from "../shared/time";

/** Whole calendar months that are offered. */
export const MONTHS = [1, 3, 6, 12] as const;

export const monthsLabel = (months: number): string => (months === 1 ? "1 month" : `${months} months`);

export interface Surroundings {
  live: boolean;
  /** There is somebody to ask. */
  available: boolean;
  /** The oldest bar that is known is in view, or none is. */
  atOldest: boolean;
  pair: string;
  backfill: Backfill | null;
  /** The run whose end was read and put away. */
  read: number;
}

export type Earlier =
  | { kind: "hidden" }
  | { kind: "offer" }
  | { kind: "running"; text: string; share: number; cancelling: boolean }
  | { kind: "ended"; text: string; run: number }
  | { kind: "failed"; failure: Failure; run: number };

export function earlierOf({ live, available, atOldest, pair, backfill, read }: Surroundings): Earlier {
  if (!live) return { kind: "hidden" };
  if (backfill?.state === "running" || backfill?.state === "cancelling") {
    return { kind: "running", text: underWay(backfill), share: backfill.share, cancelling: backfill.state === "cancelling" };
  }
  if (backfill && backfill.pair === pair && backfill.run !== read) {
    if (backfill.failure) return { kind: "failed", failure: backfill.failure, run: backfill.run };
    return { kind: "ended", text: ending(backfill), run: backfill.run };
  }
  return available && atOldest ? { kind: "offer" } : { kind: "hidden" };
}

function underWay({ pair, at_ms, share, state }: Backfill): string {
  if (state === "cancelling") return `${pair}: ending after this page…`;
  if (at_ms === null) return `${pair}: asking Coinbase…`;
  return `${pair}: ${formatMonth(at_ms)}, ${Math.floor(share * 100)} %`;
}

function ending({ state, months, accepted, quarantined }: Backfill): string {
  const apart = quarantined > 0 ? `; ${formatCount(quarantined)} that can not be are kept apart` : "";
  if (state === "cancelled") return `Cancelled: ${formatCount(accepted)} candles were loaded and are kept${apart}.`;
  if (accepted === 0) return `Coinbase has nothing more of ${months === 1 ? "this month" : `these ${months} months`}${apart}.`;
  return `${formatCount(accepted)} candles of ${monthsLabel(months)} loaded${apart}.`;
}
