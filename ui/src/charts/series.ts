/**
 * Bulk series as Rust sends them (`core/src/api/series.rs`), little-endian:
 * u32 version = 1 · u32 rows · f64 time_ms[] open[] high[] low[] close[] volume[] · u32 tick_count[] · u8 quality[].
 */
import type { Quality } from "../host";

export const QUALITIES = ["complete", "gap", "backfilled", "synthetic", "late", "forming"] as const satisfies readonly Quality[];

export interface Series {
  rows: number;
  timeMs: Float64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
  tickCount: Uint32Array;
  quality: Uint8Array;
}

const HEADER = 8;
const FLOATS = 6;
const ROW = FLOATS * 8 + 4 + 1;

/** Views into the buffer, nothing copied. Every machine a desk runs on is little-endian. */
export function decodeSeries(buffer: ArrayBuffer): Series {
  if (buffer.byteLength < HEADER) throw new Error(`a series of ${buffer.byteLength} bytes has no header`);
  const [version, rows] = new Uint32Array(buffer, 0, 2) as unknown as [number, number];
  if (version !== 1) throw new Error(`series version ${version} is not known here`);
  if (buffer.byteLength !== HEADER + rows * ROW) throw new Error(`${rows} rows do not fit ${buffer.byteLength} bytes`);
  const floats = (column: number) => new Float64Array(buffer, HEADER + column * rows * 8, rows);
  return {
    rows,
    timeMs: floats(0),
    open: floats(1),
    high: floats(2),
    low: floats(3),
    close: floats(4),
    volume: floats(5),
    tickCount: new Uint32Array(buffer, HEADER + FLOATS * rows * 8, rows),
    quality: new Uint8Array(buffer, HEADER + rows * (FLOATS * 8 + 4), rows),
  };
}

/** A blank series over a buffer of its own, to be filled. */
export function blankSeries(rows: number): { buffer: ArrayBuffer; series: Series } {
  const buffer = new ArrayBuffer(HEADER + rows * ROW);
  new Uint32Array(buffer, 0, 2).set([1, rows]);
  return { buffer, series: decodeSeries(buffer) };
}
