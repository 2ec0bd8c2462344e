/** The deck's timeline as numbers: time ↔ pixels, ticks of the axis, and volume for each column of pixels. */
import type { Series } from "./series";

export interface Span {
  fromMs: number;
  toMs: number;
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Linear over the whole width; a tape without length puts everything at the left edge. */
export function timeToX(span: Span, width: number, timeMs: number): number {
  if (!(span.toMs > span.fromMs)) return 0;
  return ((timeMs - span.fromMs) / (span.toMs - span.fromMs)) * width;
}

export function xToTime(span: Span, width: number, x: number): number {
  if (!(width > 0)) return span.fromMs;
  return span.fromMs + clamp(x / width, 0, 1) * Math.max(0, span.toMs - span.fromMs);
}

export interface AxisTick {
  timeMs: number;
  label: string;
  /** Midnight: the label is the day. */
  day: boolean;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const SIXTIETHS = [1, 2, 5, 10, 15, 30];
const STEPS = [...SIXTIETHS.map((s) => s * SECOND), ...SIXTIETHS.map((m) => m * MINUTE), ...[1, 2, 3, 6, 12].map((h) => h * HOUR), ...[1, 2, 7, 14, 28].map((d) => d * DAY)];
/** Longer than this, a day needs its year. */
const YEAR_TOLD = 300 * DAY;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Ticks on round UTC times, no closer than `spacing` pixels. */
export function axisTicks(span: Span, width: number, spacing = 84): AxisTick[] {
  const length = span.toMs - span.fromMs;
  if (!(length > 0) || !(width > 0)) return [];
  const step = STEPS.find((candidate) => (candidate / length) * width >= spacing) ?? Math.ceil(((length / width) * spacing) / DAY) * DAY;
  const ticks: AxisTick[] = [];
  for (let timeMs = Math.ceil(span.fromMs / step) * step; timeMs <= span.toMs; timeMs += step) {
    const day = timeMs % DAY === 0;
    const clock = new Date(timeMs).toISOString().slice(11, step < MINUTE ? 19 : 16);
    ticks.push({ timeMs, day, label: day ? dayLabel(timeMs, length > YEAR_TOLD) : clock });
  }
  return ticks;
}

/** `1 Jan`, `1 Jan 2024` */
export function dayLabel(timeMs: number, withYear = false): string {
  const at = new Date(timeMs);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${withYear ? ` ${at.getUTCFullYear()}` : ""}`;
}

/** Where one kind of thing is drawn, no two on the same pixels: of a thousand fills at one place one is seen. */
export function ticksAt(times: readonly number[], span: Span, width: number, pitch: number): number[] {
  const places = new Set<number>();
  for (const timeMs of times) {
    if (timeMs >= span.fromMs && timeMs <= span.toMs) places.add(Math.round(timeToX(span, width, timeMs) / pitch) * pitch);
  }
  return [...places].sort((a, b) => a - b);
}

/** A stretch marked by hand, from either end. Null when it is too short to have been meant. */
export function markedSpan(aMs: number, bMs: number, span: Span, width: number): Span | null {
  const marked = { fromMs: Math.round(Math.min(aMs, bMs)), toMs: Math.round(Math.max(aMs, bMs)) };
  const pixels = timeToX(span, width, marked.toMs) - timeToX(span, width, marked.fromMs);
  return pixels >= LEAST_MARK ? marked : null;
}

/** Pixels. What moves less is a click. */
export const LEAST_MARK = 4;

export interface Column {
  x: number;
  /** 0 to 1, of the fullest columns told; null where all that is told is that data exists. */
  level: number | null;
  /** Right of the cursor. */
  ahead: boolean;
}

/**
 * One column for each `pitch` pixels that holds data; volumes of its buckets are added. A bucket that ends after `cursorMs`
 * gives nothing away, not even by the scale of the others, unless `peek` was asked for.
 */
export function volumeColumns(series: Series, span: Span, width: number, pitch: number, cursorMs: number, peek = false): Column[] {
  const count = Math.max(0, Math.floor(width / pitch));
  const sums = new Float64Array(count);
  const kind = new Uint8Array(count);
  const reach = bucketMs(series);
  for (let row = 0; row < series.rows; row++) {
    const [startMs, volume] = [series.timeMs[row]!, series.volume[row]!];
    if (!(volume > 0)) continue;
    const played = startMs + reach <= cursorMs;
    const from = timeToX(span, width, startMs) / pitch;
    const to = timeToX(span, width, startMs + reach) / pitch;
    // A bucket gives each column the share that lies over it: whole ones would make a comb where the two lengths are near.
    for (let column = Math.max(0, Math.floor(from)); column < Math.min(count, to - TOUCHES); column++) {
      const over = Math.min(to, column + 1) - Math.max(from, column);
      if (over < TOUCHES) continue;
      if (played || peek) sums[column]! += (volume * over) / (to - from);
      kind[column] = played ? PLAYED : kind[column]! || AHEAD;
    }
  }
  const cap = nearlyHighest(sums);
  const columns: Column[] = [];
  kind.forEach((kind, column) => {
    const told = kind === PLAYED || peek;
    if (kind !== 0) columns.push({ x: column * pitch, level: told ? Math.min(1, sums[column]! / cap) : null, ahead: kind === AHEAD });
  });
  return columns;
}

/** Less of a column than this is rounding. */
const TOUCHES = 0.01;
const AHEAD = 1;
const PLAYED = 2;

/** The length of a bucket: the smallest step between two. */
export function bucketMs(series: Series): number {
  let step = Infinity;
  for (let row = 1; row < series.rows; row++) step = Math.min(step, series.timeMs[row]! - series.timeMs[row - 1]!);
  return Number.isFinite(step) ? step : MINUTE;
}

/** Stretches of gap buckets, joined where they touch. */
export function gapSpans(series: Series): Span[] {
  const reach = bucketMs(series);
  const spans: Span[] = [];
  for (let row = 0; row < series.rows; row++) {
    if (series.quality[row] !== 1) continue;
    const fromMs = series.timeMs[row]!;
    const open = spans[spans.length - 1];
    if (open && fromMs - open.toMs < reach / 2) open.toMs = fromMs + reach;
    else spans.push({ fromMs, toMs: fromMs + reach });
  }
  return spans;
}

/** Where the next gap begins, or with `back` the last one before; null when there is none. Spans are oldest first. */
export function gapFrom(spans: readonly Span[], atMs: number, back: boolean): number | null {
  const gap = back ? spans.findLast(({ fromMs }) => fromMs < atMs) : spans.find(({ fromMs }) => fromMs > atMs);
  return gap?.fromMs ?? null;
}

/** One column in fifty may be cut off at the top, so that a single burst does not flatten the day. */
function nearlyHighest(values: Float64Array): number {
  const filled = values.filter((value) => value > 0).sort();
  return filled[Math.floor((filled.length - 1) * 0.98)] ?? 0;
}
