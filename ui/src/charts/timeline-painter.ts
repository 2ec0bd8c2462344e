/** Paints the deck's timeline. Everything it knows is in `Scene`; the numbers come from `timeline.ts`. */
import { type Palette, withAlpha } from "./palette";
import type { Series } from "./series";
import { axisTicks, gapSpans, type Span, timeToX, volumeColumns } from "./timeline";

export interface Scene {
  span: Span;
  series: Series | null;
  cursorMs: number;
  /** Where the pointer is, with its time, or null. */
  pointer: { x: number; label: string } | null;
  live: boolean;
  palette: Palette;
}

const AXIS_HEIGHT = 16;
const TOP = 10;
const PITCH = 3;
const RAIL = 3;

export function paintTimeline(context: CanvasRenderingContext2D, width: number, height: number, scene: Scene) {
  const { palette, span } = scene;
  const floor = height - AXIS_HEIGHT;
  context.clearRect(0, 0, width, height);
  context.font = `10px ${palette.mono}`;
  context.textBaseline = "alphabetic";
  if (!(span.toMs > span.fromMs)) return;
  const cursor = timeToX(span, width, scene.cursorMs);
  if (scene.series) {
    paintGaps(context, width, floor, scene.series, scene);
    paintVolume(context, width, floor, scene.series, scene);
  }
  paintAxis(context, width, height, scene);
  if (scene.pointer) paintPointer(context, width, floor, scene.pointer, palette);
  paintCursor(context, width, floor, cursor, scene);
}

/** Past the cursor every column is as low as the next, so the market's future stays unknown. */
function paintVolume(context: CanvasRenderingContext2D, width: number, floor: number, series: Series, { span, palette, live, cursorMs }: Scene) {
  const base = floor - RAIL - 2;
  const room = base - TOP;
  const past = withAlpha(live ? palette.live : palette.replay, 0.6);
  const ahead = withAlpha(palette.faint, 0.45);
  const told = live || cursorMs >= span.toMs ? Infinity : cursorMs;
  for (const { x, level } of volumeColumns(series, span, width, PITCH, told)) {
    const tall = level === null ? room * 0.22 : Math.max(2, level * room);
    context.fillStyle = level === null ? ahead : past;
    context.fillRect(x, base - tall, PITCH - 1, tall);
  }
}

/** The quality rail under the volume, and a red shade over each gap. */
function paintGaps(context: CanvasRenderingContext2D, width: number, floor: number, series: Series, { span, palette }: Scene) {
  const from = timeToX(span, width, series.timeMs[0] ?? span.fromMs);
  const to = timeToX(span, width, series.rows > 0 ? span.toMs : span.fromMs);
  context.fillStyle = withAlpha(palette.faint, 0.3);
  context.fillRect(from, floor - RAIL, to - from, RAIL);
  for (const gap of gapSpans(series)) {
    const left = timeToX(span, width, gap.fromMs);
    const wide = Math.max(3, timeToX(span, width, gap.toMs) - left);
    context.fillStyle = withAlpha(palette.down, 0.22);
    context.fillRect(left, TOP - 4, wide, floor - TOP + 4 - RAIL);
    context.fillStyle = palette.down;
    context.fillRect(left, floor - RAIL, wide, RAIL);
  }
}

function paintAxis(context: CanvasRenderingContext2D, width: number, height: number, { span, palette }: Scene) {
  context.textAlign = "left";
  for (const { timeMs, label, day } of axisTicks(span, width)) {
    const x = Math.round(timeToX(span, width, timeMs));
    context.fillStyle = day ? palette.faint : palette.line;
    context.fillRect(x, day ? 0 : height - AXIS_HEIGHT, 1, day ? height : 4);
    if (x + context.measureText(label).width + 4 > width) continue;
    context.fillStyle = day ? palette.text : palette.dim;
    context.fillText(label, x + 4, height - 4);
  }
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

function paintCursor(context: CanvasRenderingContext2D, width: number, floor: number, cursor: number, { palette, live }: Scene) {
  const x = Math.max(1, Math.min(width - 1, cursor));
  context.fillStyle = palette.text;
  context.fillRect(x - 0.75, 0, 1.5, floor);
  context.fillStyle = live ? palette.live : palette.replay;
  context.beginPath();
  context.roundRect(Math.max(0, Math.min(width - 10, x - 5)), 0, 10, 8, 2);
  context.fill();
}
