/**
 * The one door out of the page. A host is the Tauri window (`tauri.ts`) or a plain browser that plays a made-up market
 * (`browser.ts`); nothing outside this folder knows which.
 */
import type * as wire from "../bindings/bindings";
import type { SessionCommand } from "../bindings/bindings";
import type { Alike, Notes, NoteView } from "./signals";
import type { ExportFormat, Pipeline, SqlAnswer, SqlExport, SqlFailure, SqlRequest, SqlRow, SqlTable } from "./tiers";

export type * from "./signals";
export type * from "./tiers";
export type { AccountView, AmendRequest, BalanceRow, CanTrade, Compared, ComparingState, ConsensusView, DecisionRow, Estimate, OrderRequest, OrderRow, PositionRow, Refusal, SessionCommand, SessionRow, TradingFrame, TransferRow, VoteRow } from "../bindings/bindings";
export type { BackfillState, Counts, Deck, Desk, FeedState, Notice, NoticeLevel, Quality, Watch } from "../bindings/bindings";

// JSON has no NaN, so the generator types every f64 as `number | null`. Rust sends none: said here once, so that the rest
// of the page can subtract. An f64 that may truly be absent keeps its null.
type With<T, F> = Omit<T, keyof F> & F;
export type Bar = With<wire.Bar, { time_ms: number }>;
export type Clock = With<wire.Clock, { at_ms: number }>;
export type Tape = With<wire.Tape, { from_ms: number; to_ms: number }>;
export type Row = With<wire.Row, { age_s: number | null; spark: number[] | null }>;
export type Health = With<wire.Health, { messages_per_s: number; journal_p50_ms: number | null }>;
export type Backfill = With<wire.Backfill, { share: number; at_ms: number | null }>;
export type Comparing = With<wire.Comparing, { share: number }>;
export type Moment = With<wire.Moment, { at_ms: number }>;
export type EquityPoint = { [field in keyof wire.EquityPoint]: number };
export type Difference = With<wire.Difference, { at: Moment }>;
export type ComparisonView = With<wire.ComparisonView, { parted: Moment | null; through: Moment; equity: EquityPoint[]; differences: Difference[] }>;
/** A stretch of a tape. */
export type Range = With<wire.Range, { from_ms: number; to_ms: number }>;
export type TransportState = With<wire.TransportState, { loop: Range | null }>;
export type Frame = With<wire.Frame, { clock: Clock; transport: TransportState; tape: Tape; rows: Row[]; bars: Bar[]; health: Health; backfill: Backfill | null; comparing: Comparing | null }>;
export type Transport = wire.Transport;
export type TradeRow = With<wire.TradeRow, { event_time_ms: number }>;
export type TradeRequest = wire.Request;
/** One of these, or what the request asked for. */
export type TradeAnswer = wire.Answer;
export type Done = Extract<TradeAnswer, { done: unknown }>["done"];

/** Why a command failed: what happened, what was kept, what to do. */
export class HostError extends Error {
  constructor(readonly failure: wire.ApiError | SqlFailure) {
    super(failure.what);
  }
}

/** Anything thrown, as three sentences. */
export function failureOf(thrown: unknown): wire.ApiError {
  if (thrown instanceof HostError) return thrown.failure;
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "unexpected", what, kept: "What was recorded is untouched.", do: "Try again; if it comes back, restart Tapedeck." };
}

export type Failure = wire.ApiError;

export interface Place {
  line: number;
  column: number;
}

/** Where in its text a query went wrong, when the core could say. */
export function placeOf(failure: Failure | SqlFailure): Place | null {
  if (!("line" in failure) || failure.line === null || failure.column === null) return null;
  return { line: failure.line, column: failure.column };
}

export interface HistoryRequest {
  pair: string;
  interval: string;
  /** Bars strictly before this; null for the newest, with the forming one. */
  beforeMs: number | null;
  limit: number;
}

/** Every promise rejects with a `HostError`. Bytes are as `charts/series.ts` reads them. */
export interface Host {
  desk(): Promise<wire.Desk>;
  /** From now on frames arrive, one at a time: the next comes after `drawn`. */
  openFrames(show: (frame: Frame) => void): Promise<void>;
  drawn(): void;
  chooseDeck(deck: wire.Deck): Promise<void>;
  watch(watch: wire.Watch): Promise<void>;
  transport(command: Transport): Promise<void>;
  history(request: HistoryRequest): Promise<ArrayBuffer>;
  /** Puts what was recorded live on the deck, paused, at a moment of the past. */
  replay(atMs: number): Promise<void>;
  /** Of the tape on the deck. Answers the id of a session that was deleted, with which it can be brought back. */
  session(command: SessionCommand): Promise<string | null>;
  /** Runs two sessions of the tape on the deck, by their numbers; the frames say how it stands. One that is started ends the one before. */
  compare(first: number, second: number): Promise<void>;
  cancelComparison(): Promise<void>;
  /** Of the last comparison that was finished. */
  comparison(): Promise<ComparisonView>;
  /** Volume by the finest bar that gives at most some 3 000 of them in the range; null is all that is recorded. */
  timeline(range: Range | null, peek: boolean): Promise<ArrayBuffer>;
  /** Loads whole calendar months of a live pair, one run at a time. The frames say how it stands. */
  backfill(pair: string, months: number): Promise<void>;
  cancelBackfill(): Promise<void>;
  sqlSchema(): Promise<SqlTable[]>;
  /** One query at a time. A refused one rejects with a `SqlFailure`; a cancelled one with the code `sql_cancelled`. */
  sqlRun(request: SqlRequest): Promise<SqlAnswer>;
  sqlCancel(): Promise<void>;
  sqlRows(id: number, from: number, count: number): Promise<SqlRow[]>;
  /** Sorts the whole result; a null column puts it back as it was answered. */
  sqlSort(id: number, column: number | null, descending: boolean): Promise<void>;
  /** Writes a new file under the data directory's `exports`. */
  sqlExport(id: number, format: ExportFormat): Promise<SqlExport>;
  pipeline(): Promise<Pipeline>;
  /** Asks the account of the live desk, or tells it something: what was told is durable when this answers. */
  trade(request: TradeRequest): Promise<TradeAnswer>;
  /** Hours like the last one of the pair, as of the deck's cursor; `across` looks among those of other pairs too. */
  alike(pair: string, across: boolean): Promise<Alike>;
  /** As of the deck's cursor, newest first; of all pairs without one, and before a moment when one is given. */
  notes(pair: string | null, beforeMs: number | null, limit: number): Promise<Notes>;
  note(id: string): Promise<NoteView>;
  /** Makes a note of the pair now, and answers its id. May take half a minute. */
  askAnalyst(pair: string): Promise<string>;
  models(): Promise<wire.Models>;
  /** Null: the rules answer alone. */
  chooseModel(name: string | null): Promise<void>;
  /** Starts to fetch a model; the frames say how it stands. */
  pullModel(name: string): Promise<void>;
  cancelPull(): Promise<void>;
}
