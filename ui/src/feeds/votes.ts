/** The votes behind a decision of the consensus, in words that fit a narrow column. */
import type { ConsensusView, DecisionRow, VoteRow } from "../host";

export interface VoteLine {
  who: string;
  lean: VoteRow["lean"];
  /** The figure that decided, or in a word what is missing. */
  short: string;
  /** In a sentence. */
  sentence: string;
}

const HEADS: Record<string, string> = {
  stay: "Votes",
  holding: "Votes: holding",
  nothing_to_leave: "Votes: nothing to sell",
  entered: "Why the desk bought",
  left: "Why the desk sold",
  entry_blocked: "Why the desk did not buy",
  exit_blocked: "Why the desk did not sell",
};

/** Minutes and hours of the tape, UTC, as on the chart. */
const minute = (ms: number | null) => new Date(ms ?? 0).toISOString().slice(11, 16);

export function heading({ on, decision }: ConsensusView): string {
  if (!decision) return "Consensus";
  const head = `${HEADS[decision.verdict] ?? "Votes"} at ${minute(decision.minute_ms)}`;
  return on ? head : `${head} (off now)`;
}

export function lines({ patterns, analyst, trend, matches, opinion }: DecisionRow): VoteLine[] {
  const line = (who: string, { lean, sentence }: VoteRow, short: string): VoteLine => ({ who, lean, short, sentence });
  return [
    line("Pattern", patterns, matches ? `${signed(matches.outcome_pct)} % · n ${matches.count}` : "no match"),
    line("Analyst", analyst, opinion ? `${opinion.stance} · ${age(opinion.age_s)}` : "silent"),
    line("Trend", trend, { rising: "rising", falling: "falling", level: "level" }[trend.why] ?? "too short"),
  ];
}

/** What the pattern vote saw, with the base rate beside it: a mean alone says little. */
export function evidence({ matches, blocked_by }: DecisionRow): string {
  const parts: string[] = [];
  if (blocked_by) parts.push(blocked_by.sentence);
  if (matches) {
    parts.push(`Nearest ${Number(matches.similarity).toFixed(2)}.`);
    const { low_pct, high_pct, best_pct, base_pct } = matches;
    const interval = isBound(low_pct) ? `After an hour ${signed(low_pct)} to ${signed(high_pct)} %` : "Too few to say how sure";
    parts.push(`${interval}, best ${signed(best_pct)} %; any hour ${signed(base_pct)} %.`);
  }
  return parts.join(" ");
}

/** An interval of too few matches has no ends: they come as ±100 %. */
const isBound = (percent: string) => Math.abs(Number(percent)) < 100;

function signed(percent: string): string {
  const value = Number(percent);
  const digits = Math.abs(value).toFixed(2);
  if (Number(digits) === 0) return "0.00";
  return `${value < 0 ? "−" : "+"}${digits}`;
}

function age(seconds: number): string {
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} m`;
}
