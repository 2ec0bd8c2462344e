/** Paints two equity curves over each other. Everything it knows is in `EquityScene`; the numbers come from `equity.ts`. */
import { formatPlotPrice } from "../shared/number";
import { type Curves, type Scale, scaleOf, valueTicks, valueToY } from "./equity";
import { type Palette, withAlpha } from "./palette";
import { axisTicks, dayLabel, type Span, timeToX } from "./timeline";

export interface EquityScene {
  span: Span;
  curves: Curves;
  /** The first moment they were told different things. */
  partedMs: number | null;
  /** Where the deck is; null where it is elsewhere or live. */
  cursorMs: number | null;
  /** The point that is read. */
  point: number | null;
  palette: Palette;
}

const AXIS_HEIGHT = 16;
const TOP = 4;
/** Of the first curve and of the second: lines that are told apart without their colours. */
const DASHES = [[], [5, 3]] as const;

/** What is left of the width for the curves, beside the scale of money. */
export function plotWidth(context: CanvasRenderingContext2D, width: number, height: number, { curves, palette }: Pick<EquityScene, "curves" | "palette">): number {
  const scale = scaleOf(curves);
  if (!scale) return width;
  context.font = `10px ${palette.mono}`;
  const { values, decimals } = valueTicks(scale, height - AXIS_HEIGHT - TOP);
  const widest = Math.max(0, ...values.map((value) => context.measureText(formatPlotPrice(value, decimals)).width));
  return Math.max(0, width - Math.ceil(widest) - 10);
}

export function paintEquity(context: CanvasRenderingContext2D, width: number, height: number, scene: EquityScene) {
  const { palette, span, curves, partedMs, cursorMs, point } = scene;
  context.clearRect(0, 0, width, height);
  context.font = `10px ${palette.mono}`;
  context.textBaseline = "alphabetic";
  const scale = scaleOf(curves);
  if (!scale || !(span.toMs > span.fromMs)) return;
  const plot = plotWidth(context, width, height, scene);
  const floor = height - AXIS_HEIGHT;
  const xOf = (timeMs: number) => timeToX(span, plot, timeMs);
  const yOf = (value: number) => TOP + valueToY(scale, floor - TOP, value);

  paintScale(context, plot, floor, scale, yOf, palette);
  paintTimes(context, plot, height, span, palette);
  if (partedMs !== null && partedMs >= span.fromMs && partedMs <= span.toMs) paintParting(context, plot, floor, xOf(partedMs), palette);
  if (cursorMs !== null && cursorMs >= span.fromMs && cursorMs <= span.toMs) {
    context.fillStyle = palette.replay;
    context.fillRect(Math.round(xOf(cursorMs)), 0, 1, floor);
  }
  const drawn = [
    { values: curves.first, colour: palette.first, dash: DASHES[0] },
    { values: curves.second, colour: palette.second, dash: DASHES[1] },
  ];
  for (const { values, colour, dash } of drawn) {
    const places = values.flatMap((value, index) => (value === null ? [] : { x: xOf(curves.timeMs[index]!), y: yOf(value) }));
    paintCurve(context, places, colour, dash);
  }
  if (point === null) return;
  const x = xOf(curves.timeMs[point]!);
  context.fillStyle = palette.dim;
  context.fillRect(Math.round(x), 0, 1, floor);
  for (const { values, colour } of drawn) if (values[point] != null) paintDot(context, x, yOf(values[point]), colour, palette.panel);
}

function paintScale(context: CanvasRenderingContext2D, plot: number, floor: number, scale: Scale, yOf: (value: number) => number, palette: Palette) {
  const { values, decimals } = valueTicks(scale, floor - TOP);
  context.textAlign = "left";
  for (const value of values) {
    const y = Math.round(yOf(value));
    context.fillStyle = withAlpha(palette.line, 0.8);
    context.fillRect(0, y, plot, 1);
    context.fillStyle = palette.dim;
    context.fillText(formatPlotPrice(value, decimals), plot + 6, Math.min(floor - 1, Math.max(9, y + 3)));
  }
}

function paintTimes(context: CanvasRenderingContext2D, plot: number, height: number, span: Span, palette: Palette) {
  const floor = height - AXIS_HEIGHT;
  context.fillStyle = palette.line;
  context.fillRect(0, floor, plot, 1);
  context.textAlign = "left";
  const ticks = axisTicks(span, plot);
  let taken = 0;
  // Without a midnight in view nothing else says which day it is.
  if (!ticks.some(({ day }) => day)) {
    const label = dayLabel(span.fromMs);
    context.fillStyle = palette.text;
    context.fillText(label, 2, height - 4);
    taken = context.measureText(label).width + 10;
  }
  for (const { timeMs, label, day } of ticks) {
    const x = Math.round(timeToX(span, plot, timeMs));
    context.fillStyle = palette.line;
    context.fillRect(x, floor, 1, 4);
    if (x < taken || x + context.measureText(label).width + 4 > plot) continue;
    context.fillStyle = day ? palette.text : palette.dim;
    context.fillText(label, x + 4, height - 4);
  }
}

function paintParting(context: CanvasRenderingContext2D, plot: number, floor: number, x: number, palette: Palette) {
  context.strokeStyle = palette.text;
  context.lineWidth = 1;
  context.setLineDash([1, 3]);
  context.beginPath();
  context.moveTo(Math.round(x) + 0.5, 0);
  context.lineTo(Math.round(x) + 0.5, floor);
  context.stroke();
  context.setLineDash([]);
  const label = "they part";
  const wide = context.measureText(label).width;
  const left = x + wide + 6 > plot ? x - wide - 5 : x + 5;
  context.fillStyle = withAlpha(palette.panel, 0.85);
  context.fillRect(left - 2, 0, wide + 4, 12);
  context.fillStyle = palette.text;
  context.textAlign = "left";
  context.fillText(label, left, 9);
}

function paintCurve(context: CanvasRenderingContext2D, places: readonly { x: number; y: number }[], colour: string, dash: readonly number[]) {
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.setLineDash([...dash]);
  context.beginPath();
  places.forEach(({ x, y }, index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  // A line of one point has no length.
  if (places.length === 1) context.lineTo(places[0]!.x + 1, places[0]!.y);
  context.stroke();
  context.setLineDash([]);
}

function paintDot(context: CanvasRenderingContext2D, x: number, y: number, colour: string, edge: string) {
  context.beginPath();
  context.arc(x, y, 3, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.strokeStyle = edge;
  context.lineWidth = 1;
  context.fill();
  context.stroke();
}
