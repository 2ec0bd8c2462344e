/** What the tiers answer: the generated shapes, with the numbers that are never null said to be so (see `host.ts`). */
import type * as wire from "../bindings/bindings";

type With<T, F> = Omit<T, keyof F> & F;

export type { SqlColumn, SqlField, SqlFailure, SqlTable, StageName, StageState } from "../bindings/bindings";

export type SqlRequest = wire.SqlAsk;
export type SqlAnswer = With<wire.SqlAnswer, { took_ms: number }>;
export type SqlExport = With<wire.SqlExport, { bytes: number }>;
export type ExportFormat = wire.SqlFormat;

/** Ready to be shown: decimals in full, times as RFC 3339. */
export type SqlCell = string | null;
export type SqlRow = readonly SqlCell[];

/** A figure a stage has no use for is null. */
export type Stage = wire.Stage;
export type PipelineCounts = { [count in keyof wire.PipelineCounts]: number };
export type Pipeline = With<wire.Pipeline, { at_ms: number; stages: Stage[]; counts: PipelineCounts }>;
