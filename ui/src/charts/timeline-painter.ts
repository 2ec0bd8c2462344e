/** Paints the deck's timeline. Everything it knows is in `Scene`; the numbers come from `timeline.ts`. */
import { type Palette, withAlpha } from "./palette";
import type { Series } from "./series";
import { axisTicks, dayLabel, gapSpans, type Span, ticksAt, timeToX, volumeColumns } from "./timeline";

export interface Fills {
  /** Times. */
  buys: readonly number[];
  sells: readonly number[];
}

export interface Scene {
  span: Span;
  series: Series | null;
  cursorMs: number;
  /** Where the pointer is, with its time, or null. */
  pointer: { x: number; label: string } | null;
  live: boolean;
  /** Volume right of the cursor is told. */
  peek: boolean;
  fills: Fills;
  /** Times of the analyst's notes. */
  notes: readonly number[];
  loop: { span: Span; label: string } | null;
  palette: Palette;
}

const AXIS_HEIGHT = 16;
/** Fills and notes, and the handle of the cursor, are above the volume. */
const TOP = 14;
const PITCH = 3;
const RAIL = 3;

export function paintTimeline(context: CanvasRenderingContext2D, width: number, height: number, scene: Scene) {
  const { palette, span } = scene;
  const floor = height - AXIS_HEIGHT;
  context.clearRect(0, 0, width, height);
  context.font = `10px ${palette.mono}`;
  context.textBaseline = "alphabetic";
  if (!(span.toMs > span.fromMs)) return;
  if (scene.loop) paintLoop(context, width, floor, scene.loop, scene);
  if (scene.series) {
    paintGaps(context, width, floor, scene.series, scene);
    paintVolume(context, width, floor, scene.series, scene);
  }
  paintAxis(context, width, height, scene);
  paintNotes(context, width, scene);
  paintFills(context, width, scene);
  if (scene.loop) paintLoopEdges(context, width, floor, scene.loop, scene);
  paintCursor(context, width, floor, scene);
  if (scene.pointer) paintPointer(context, width, floor, scene.pointer, palette);
}

/** Past the cursor every column is as low as the next, so the market's future stays unknown. */
function paintVolume(context: CanvasRenderingContext2D, width: number, floor: number, series: Series, { span, palette, live, cursorMs, peek }: Scene) {
  const base = floor - RAIL - 2;
  const room = base - TOP;
  const past = withAlpha(live ? palette.live : palette.replay, 0.6);
  const ahead = withAlpha(palette.faint, 0.45);
  const told = live ? Infinity : cursorMs;
  for (const column of volumeColumns(series, span, width, PITCH, told, peek)) {
    const tall = column.level === null ? room * 0.22 : Math.max(2, column.level * room);
    context.fillStyle = column.ahead ? ahead : past;
    context.fillRect(column.x, base - tall, PITCH - 1, tall);
  }
}

/** The quality rail under the volume, and a red shade over each gap. */
function paintGaps(context: CanvasRenderingContext2D, width: number, floor: number, series: Series, { span, palette }: Scene) {
  const from = Math.max(0, timeToX(span, width, series.timeMs[0] ?? span.toMs));
  context.fillStyle = withAlpha(palette.faint, 0.3);
  context.fillRect(from, floor - RAIL, Math.max(0, width - from), RAIL);
  for (const gap of gapSpans(series)) {
    if (gap.toMs < span.fromMs || gap.fromMs > span.toMs) continue;
    const left = timeToX(span, width, gap.fromMs);
    const wide = Math.max(3, timeToX(span, width, gap.toMs) - left);
    context.fillStyle = withAlpha(palette.down, 0.22);
    context.fillRect(left, TOP, wide, floor - TOP - RAIL);
    context.fillStyle = palette.down;
    context.fillRect(left, floor - RAIL, wide, RAIL);
  }
}

function paintAxis(context: CanvasRenderingContext2D, width: number, height: number, { span, palette }: Scene) {
  context.textAlign = "left";
  const ticks = axisTicks(span, width);
  // Without a midnight in view nothing else says which day it is.
  let taken = 0;
  if (!ticks.some(({ day }) => day)) {
    const label = dayLabel(span.fromMs);
    context.fillStyle = palette.text;
    context.fillText(label, 4, height - 4);
    taken = 4 + context.measureText(label).width + 8;
  }
  for (const { timeMs, label, day } of ticks) {
    const x = Math.round(timeToX(span, width, timeMs));
    context.fillStyle = day ? palette.faint : palette.line;
    context.fillRect(x, day ? 0 : height - AXIS_HEIGHT, 1, day ? height : 4);
    if (x < taken || x + context.measureText(label).width + 4 > width) continue;
    context.fillStyle = day ? palette.text : palette.dim;
    context.fillText(label, x + 4, height - 4);
  }
}

/** Bought is green and below, sold is red and above, as on the chart. */
function paintFills(context: CanvasRenderingContext2D, width: number, { span, fills, palette }: Scene) {
  const paint = (times: readonly number[], colour: string, y: number) => {
    context.fillStyle = colour;
    for (const x of ticksAt(times, span, width, 3)) context.fillRect(Math.round(x) - 1, y, 2, 4);
  };
  paint(fills.sells, palette.down, 1);
  paint(fills.buys, palette.up, 9);
}

/** Between what was bought and what was sold. */
function paintNotes(context: CanvasRenderingContext2D, width: number, { span, notes, palette }: Scene) {
  context.fillStyle = palette.note;
  for (const x of ticksAt(notes, span, width, 4)) context.fillRect(Math.round(x) - 1, 6, 2, 2);
}

function paintLoop(context: CanvasRenderingContext2D, width: number, floor: number, { span: marked }: { span: Span }, { span, palette }: Scene) {
  const left = timeToX(span, width, marked.fromMs);
  context.fillStyle = withAlpha(palette.replay, 0.14);
  context.fillRect(left, 0, timeToX(span, width, marked.toMs) - left, floor);
}

function paintLoopEdges(context: CanvasRenderingContext2D, width: number, floor: number, { span: marked, label }: { span: Span; label: string }, { span, palette }: Scene) {
  const [left, right] = [timeToX(span, width, marked.fromMs), timeToX(span, width, marked.toMs)];
  if (right < 0 || left > width) return;
  context.fillStyle = palette.replay;
  for (const x of [left, right]) context.fillRect(Math.round(x) - 0.5, 0, 1, floor);
  context.textAlign = "left";
  const wide = context.measureText(label).width;
  // Inside the band where it is wide enough, else beside it.
  const inside = right - Math.max(0, left) > wide + 10;
  const x = inside ? Math.max(0, left) + 5 : right + wide + 8 < width ? right + 5 : Math.max(0, left) - wide - 5;
  context.fillStyle = withAlpha(palette.panel, 0.85);
  context.fillRect(x - 2, 13, wide + 4, 13);
  context.fillStyle = palette.replay;
  context.fillText(label, x, 23);
}

function paintPointer(context: CanvasRenderingContext2D, width: number, floor: number, { x, label }: { x: number; label: string }, palette: Palette) {
  context.fillStyle = palette.dim;
  context.fillRect(Math.round(x), 0, 1, floor);
  const wide = context.measureText(label).width + 10;
  const left = Math.max(0, Math.min(width - wide, x + 6 + wide > width ? x - 6 - wide : x + 6));
  context.fillStyle = palette.panel;
  context.fillRect(left, 1, wide, 15);
  context.strokeStyle = palette.line;
  context.strokeRect(left + 0.5, 1.5, wide - 1, 14);
  context.fillStyle = palette.text;
  context.textAlign = "left";
  context.fillText(label, left + 5, 12);
}

function paintCursor(context: CanvasRenderingContext2D, width: number, floor: number, { span, cursorMs, palette, live }: Scene) {
  const colour = live ? palette.live : palette.replay;
  if (cursorMs < span.fromMs || cursorMs > span.toMs) {
    paintCursorAside(context, width, cursorMs < span.fromMs, colour);
    return;
  }
  const x = Math.max(1, Math.min(width - 1, timeToX(span, width, cursorMs)));
  context.fillStyle = palette.text;
  context.fillRect(x - 0.75, 0, 1.5, floor);
  context.fillStyle = colour;
  context.beginPath();
  context.roundRect(Math.max(0, Math.min(width - 10, x - 5)), 0, 10, 8, 2);
  context.fill();
}

/** The cursor is elsewhere on the tape: an arrow says where. */
function paintCursorAside(context: CanvasRenderingContext2D, width: number, left: boolean, colour: string) {
  const [tip, foot] = left ? [2, 9] : [width - 2, width - 9];
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(tip, 5);
  context.lineTo(foot, 0.5);
  context.lineTo(foot, 9.5);
  context.fill();
}
