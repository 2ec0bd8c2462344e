/** The height of the dock: what a drag, a key or a smaller window makes of it. */

export const LEAST_HEIGHT = 150;
/** All of the pipeline, and the whole watchlist beside it in a window 800 pixels high. */
export const USUAL_HEIGHT = 264;
const STEP = 16;
const LEAP = 80;

/** `room` is what the chart and the dock share; the chart keeps `LEAST_CHART` of it, as long as the dock keeps its own least. */
const LEAST_CHART = 150;

export const mostHeight = (room: number): number => Math.max(LEAST_HEIGHT, room - LEAST_CHART);

/** A height that is no number, as a damaged setting may be, is the usual one. */
export const fitHeight = (height: number, room: number): number =>
  Math.round(Math.min(mostHeight(room), Math.max(LEAST_HEIGHT, Number.isFinite(height) ? height : USUAL_HEIGHT)));

/** The height after a key on the handle, or null when the key is none of its. `word` is as `keyWord` says it. */
export function heightOfKey(word: string, height: number, room: number): number | null {
  const wanted: Record<string, number> = {
    ArrowUp: height + STEP,
    ArrowDown: height - STEP,
    PageUp: height + LEAP,
    PageDown: height - LEAP,
    Home: LEAST_HEIGHT,
    End: mostHeight(room),
  };
  const found = wanted[word];
  return found === undefined ? null : fitHeight(found, room);
}
