/** What is said of the hours like this one and of what followed them. Pure. */
import type { Alike, AlikeMatch, EstimateView, FollowedView, SpreadView } from "../host";
import { baseOf, formatCount, formatPercent, formatShare } from "../shared/number";

/** Nearest first, whatever order they came in. */
export const nearestFirst = (matches: readonly AlikeMatch[]): AlikeMatch[] => [...matches].sort((a, b) => b.similarity - a.similarity || b.window_end_ms - a.window_end_ms);

/** How it was searched, over how many hours. */
export function searchedOf({ searched, known, across, pair }: Pick<Alike, "searched" | "known" | "across" | "pair">): { text: string; title: string } {
  const whose = across ? "of all pairs" : `of ${baseOf(pair)}`;
  const text = `${formatCount(known)} ${known === 1 ? "hour" : "hours"} ${whose}, ${searched === "exact" ? "each compared" : "by the index"}`;
  const title = searched === "exact" ? "Exact: every hour that is known was compared." : "Approximate: the index looks where the nearest most likely are, and may miss some.";
  return { text, title };
}

export type Leaning = "higher" | "lower" | "nothing";

export interface Verdict {
  leaning: Leaning;
  sentence: string;
}

/** Whether what followed tells these hours from any other hour, by the mean an hour after. */
export function verdictOf({ followed, base_rate }: Pick<Alike, "followed" | "base_rate">): Verdict | null {
  if (!followed) return null;
  const { mean, low, high } = followed.after_60.mean;
  if (low === null || high === null) return { leaning: "nothing", sentence: `Of ${followed.n} ${followed.n === 1 ? "hour" : "hours"} no interval can be said: these hours say nothing of the next.` };
  if (!base_rate) return { leaning: "nothing", sentence: "There is no base rate to hold them against: these hours say nothing of the next." };
  const base = base_rate.after_60.mean.mean;
  if (base >= low && base <= high) return { leaning: "nothing", sentence: "The interval holds the base rate: these hours say nothing of the next." };
  const leaning = base < low ? "higher" : "lower";
  return { leaning, sentence: `After hours like this one the price stood ${leaning} than after any hour: ${formatPercent(mean)} % (${intervalOf(followed.after_60.mean)}) against ${formatPercent(base)} %.` };
}

/** `−0.02 to +0.11`, or what is missing. */
export const intervalOf = ({ low, high }: EstimateView): string => (low === null || high === null ? "too few" : `${formatPercent(low)} to ${formatPercent(high)}`);

export interface Figure {
  name: string;
  title: string;
  /** Of a shorter time than the verdict is about: what little room does without. */
  short: boolean;
  /** Of the hours like this one, and of any hour: the figure, and its interval. */
  these: [string, string];
  any: [string, string];
}

const NONE: [string, string] = ["–", ""];

/** Both sides of the comparison, line for line. */
export function figuresOf({ followed, base_rate }: Pick<Alike, "followed" | "base_rate">): Figure[] {
  const line = (name: string, title: string, told: (of: FollowedView) => [string, string], short = false): Figure => ({ name, title, short, these: followed ? told(followed) : NONE, any: base_rate ? told(base_rate) : NONE });
  const mean = (spread: (of: FollowedView) => SpreadView) => (of: FollowedView): [string, string] => [formatPercent(spread(of).mean.mean), intervalOf(spread(of).mean)];
  return [
    line("hours", "How many were counted", ({ n }) => [formatCount(n), ""]),
    line("rose", "Share of them after which the price was higher an hour later", ({ rose }) => [formatShare(rose.mean), rose.low === null || rose.high === null ? "too few" : `${Math.round(rose.low * 100)} to ${Math.round(rose.high * 100)}`]),
    line("15 min", "Mean change after 15 minutes, percent", mean((of) => of.after_15), true),
    line("30 min", "Mean change after 30 minutes, percent", mean((of) => of.after_30), true),
    line("60 min", "Mean change after 60 minutes, percent", mean((of) => of.after_60)),
  ];
}

/** The match that a key leads to in a grid of so many columns, or null when the key is none of its. `word` is as `keyWord` says it. */
export function matchOfKey(word: string, at: number, count: number, columns: number): number | null {
  const wanted: Record<string, number> = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: count - 1 };
  const to = wanted[word];
  if (to === undefined || count === 0) return null;
  // Up from the first row and down from the last stay where they are, and a short last row is reached at its end.
  if (word === "ArrowUp" && to < 0) return at;
  if (word === "ArrowDown" && to >= count) return Math.floor(at / columns) < Math.floor((count - 1) / columns) ? count - 1 : at;
  return Math.min(count - 1, Math.max(0, to));
}
