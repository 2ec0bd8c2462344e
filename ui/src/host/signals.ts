/** What patterns and the analyst answer: the generated shapes, with the numbers that are never null said to be so (see `host.ts`). */
import type * as wire from "../bindings/bindings";

type With<T, F> = Omit<T, keyof F> & F;

export type { ModelRow, Models, NumberInText, Pulling, ScoreRow } from "../bindings/bindings";

export type EstimateView = With<wire.EstimateView, { mean: number }>;
export type SpreadView = { quantiles: number[]; mean: EstimateView };
export type FollowedView = With<wire.FollowedView, { rose: EstimateView; after_15: SpreadView; after_30: SpreadView; after_60: SpreadView; max: SpreadView; min: SpreadView }>;
export type AlikeMatch = With<{ [field in keyof wire.MatchView]: number }, { id: string; source: string; pair: string; closes_pct: number[] }>;
export type Alike = With<wire.AlikeView, { at_ms: number; window_end_ms: number; closes: number[]; known: number; matches: AlikeMatch[]; followed: FollowedView | null; base_rate: FollowedView | null }>;
export type NoteRow = With<wire.NoteRow, { as_of_ms: number; known_ms: number }>;
export type Notes = With<wire.Notes, { notes: NoteRow[] }>;
export type FactRow = With<wire.FactRow, { from_ms: number; to_ms: number }>;
export type NoteView = With<wire.NoteView, { row: NoteRow; facts: FactRow[] }>;
