/** Which stretch of its tape the timeline shows: zoom, pan, following the cursor, and what to ask the core for. Pure. */
import type { Span } from "./timeline";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** The narrowest view. */
const LEAST_MS = MINUTE;

/** Where a cursor that ran out of the view is put back, as a share of the width: behind it there is something to see. */
const BEHIND = 0.25;

const lengthOf = (span: Span): number => span.toMs - span.fromMs;
const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

export const contains = (span: Span, { fromMs, toMs }: Span): boolean => span.fromMs <= fromMs && toMs <= span.toMs;
const holds = (span: Span, atMs: number): boolean => span.fromMs <= atMs && atMs <= span.toMs;

/** Moved, and where it is too long cut, so that it lies on the tape. */
export function within(span: Span, tape: Span): Span {
  const length = Math.min(lengthOf(span), lengthOf(tape));
  const fromMs = clamp(span.fromMs, tape.fromMs, tape.toMs - length);
  return { fromMs, toMs: fromMs + length };
}

/** What is shown when nobody zoomed: the last day of the live market, a short tape whole, of a long one the day around the cursor. */
export function usualSpan(tape: Span, cursorMs: number, live: boolean): Span {
  if (live) return within({ fromMs: tape.toMs - DAY, toMs: tape.toMs }, tape);
  if (lengthOf(tape) <= 2 * DAY) return tape;
  return within({ fromMs: cursorMs - DAY / 2, toMs: cursorMs + DAY / 2 }, tape);
}

/** A factor below one looks closer. What is at `atMs` stays where it is, except at the ends of the tape. */
export function zoomedSpan(span: Span, tape: Span, atMs: number, factor: number): Span {
  const [before, whole] = [lengthOf(span), lengthOf(tape)];
  if (!(before > 0)) return span;
  const length = clamp(before * factor, Math.min(LEAST_MS, whole), whole);
  const share = (atMs - span.fromMs) / before;
  return within({ fromMs: atMs - share * length, toMs: atMs + (1 - share) * length }, tape);
}

export const pannedSpan = (span: Span, tape: Span, byMs: number): Span => within({ fromMs: span.fromMs + byMs, toMs: span.toMs + byMs }, tape);

/** The factor of a turn of the wheel, in pixels. A notch is some hundred of them on most mice, and a touchpad sends few at a time. */
export const wheelFactor = (pixels: number): number => Math.exp(clamp(pixels, -300, 300) / 300);

export interface View {
  span: Span;
  /** Nobody has zoomed or panned. */
  usual: boolean;
}

export interface Moment {
  tape: Span;
  cursorMs: number;
  live: boolean;
  /** The cursor was put where it is, and did not play there. */
  jumped: boolean;
}

/** The view of the next frame. A cursor that was in view is kept in it; one that was put somewhere is always shown. */
export function nextView(view: View | null, before: Moment | null, now: Moment): View {
  if (!view || !before || (view.usual && (now.live || lengthOf(now.tape) <= 2 * DAY))) {
    return { span: usualSpan(now.tape, now.cursorMs, now.live), usual: true };
  }
  const span = within(view.span, now.tape);
  if (holds(span, now.cursorMs) || !(now.jumped || holds(view.span, before.cursorMs))) return { span, usual: view.usual };
  const share = now.live ? 1 : now.jumped ? 0.5 : now.cursorMs > before.cursorMs ? BEHIND : 1 - BEHIND;
  const fromMs = now.cursorMs - share * lengthOf(span);
  return { span: within({ fromMs, toMs: fromMs + lengthOf(span) }, now.tape), usual: view.usual };
}

/** Volume that was fetched for a stretch. */
export interface Fetched {
  span: Span;
  /** Length of its bars. */
  bucketMs: number;
}

/** Whether it shows the view as fine as it can be shown: bars grow with the stretch that is asked for. */
const isFine = (fetched: Fetched, view: Span): boolean => contains(fetched.span, view) && (fetched.bucketMs <= MINUTE || lengthOf(fetched.span) <= 4 * lengthOf(view));

/** What to ask for so that the view is shown well: it, and half of it on either side. Null when what is held does. */
export function wantedSpan(view: Span, tape: Span, held: readonly Fetched[]): Span | null {
  if (!(lengthOf(view) > 0) || held.some((fetched) => isFine(fetched, view))) return null;
  const half = lengthOf(view) / 2;
  return { fromMs: Math.max(tape.fromMs, view.fromMs - half), toMs: Math.min(tape.toMs, view.toMs + half) };
}
