/** Draws the analyst's notes in a row above the bars of their pair, and says which of them the pointer is on. */
import type { IChartApi, IPrimitivePaneRenderer, IPrimitivePaneView, ISeriesPrimitive, Logical, SeriesAttachedParameter, Time } from "lightweight-charts";
import { type Stance, stanceOf } from "../feeds/analyst";
import type { NoteRow } from "../host";
import type { PlotBar } from "./bars";
import { markAt, type NoteMark, noteMarks } from "./notes";
import { type Palette, withAlpha } from "./palette";

export interface NoteEvents {
  /** The mark under the pointer, or null when there is none. */
  hovered(mark: NoteMark | null): void;
  /** It was clicked. */
  chosen(note: NoteRow): void;
}

/** Pixels. What moves more is a drag. */
const STILL = 4;
/** Below the legend, in the row of the matches. */
export const ROW_Y = 30;
const SIZE = 4;

export class NoteMarkers implements ISeriesPrimitive<Time> {
  /** Who wants to know. */
  events: NoteEvents | null = null;
  #notes: readonly NoteRow[] = [];
  #chosen: string | null = null;
  /** As they were drawn last. */
  #marks: NoteMark[] = [];
  #hovered: NoteMark | null = null;
  #pressed = { x: 0, y: 0 };
  #attached: SeriesAttachedParameter<Time> | null = null;
  readonly #gone = new AbortController();

  constructor(
    private readonly held: () => readonly PlotBar[],
    private readonly container: HTMLElement,
    private palette: Palette,
  ) {
    const until = { signal: this.#gone.signal };
    container.addEventListener("pointermove", (event) => this.#hover(event.buttons === 0 ? this.#under(event) : null), until);
    container.addEventListener("pointerleave", () => this.#hover(null), until);
    container.addEventListener("pointerdown", ({ clientX, clientY }) => (this.#pressed = { x: clientX, y: clientY }), { ...until, capture: true });
    container.addEventListener("click", (event) => this.#click(event), until);
  }

  destroy() {
    this.#gone.abort();
  }

  attached(attached: SeriesAttachedParameter<Time>) {
    this.#attached = attached;
  }

  detached() {
    this.#attached = null;
  }

  /** Of one pair, the newest first; `chosen` is the one that is looked at elsewhere. */
  show(notes: readonly NoteRow[], chosen: string | null) {
    [this.#notes, this.#chosen] = [notes, chosen];
    this.#hover(null);
    this.#attached?.requestUpdate();
  }

  paint(palette: Palette) {
    this.palette = palette;
    this.#attached?.requestUpdate();
  }

  /** A click there is about a note. */
  isAt(x: number, y: number): boolean {
    return markAt(this.#marks, ROW_Y, x, y) !== null;
  }

  paneViews(): readonly IPrimitivePaneView[] {
    return this.#views;
  }

  readonly #renderer: IPrimitivePaneRenderer = {
    draw: (target) =>
      target.useMediaCoordinateSpace(({ context, mediaSize: { width, height } }) => {
        const attached = this.#attached;
        if (!attached) return;
        const scale = (attached.chart as IChartApi).timeScale();
        const spacing = scale.options().barSpacing;
        // The library knows a place for whole bars alone.
        const xOf = (logical: number) => {
          const x = scale.logicalToCoordinate(Math.floor(logical) as Logical);
          return x === null ? null : x + (logical - Math.floor(logical)) * spacing;
        };
        this.#marks = noteMarks(this.#notes, this.held(), width, xOf);
        for (const mark of this.#marks) this.#draw(context, mark, height);
      }),
  };

  readonly #views: readonly IPrimitivePaneView[] = [{ zOrder: () => "top", renderer: () => this.#renderer }];

  #draw(context: CanvasRenderingContext2D, mark: NoteMark, height: number) {
    const { note, panel } = this.palette;
    const isHovered = this.#hovered?.notes[0]?.id === mark.notes[0]?.id;
    const isChosen = mark.notes.some(({ id }) => id === this.#chosen);
    // A line for each of them would hide the bars: only where somebody looks.
    if (isHovered || isChosen) {
      context.strokeStyle = withAlpha(note, 0.6);
      context.lineWidth = 1;
      context.setLineDash([3, 4]);
      context.beginPath();
      context.moveTo(mark.x, ROW_Y + SIZE);
      context.lineTo(mark.x, height);
      context.stroke();
      context.setLineDash([]);
    }
    outline(context, mark.x, ROW_Y, isHovered || isChosen ? SIZE + 1.5 : SIZE, mark.notes[0] ? stanceOf(mark.notes[0]) : null);
    // An edge in the colour of the surface keeps it apart from a wick.
    context.strokeStyle = withAlpha(panel, 0.8);
    context.lineWidth = 2;
    context.stroke();
    context.fillStyle = note;
    context.fill();
  }

  #under(event: MouseEvent): NoteMark | null {
    const box = this.container.getBoundingClientRect();
    return markAt(this.#marks, ROW_Y, event.clientX - box.left, event.clientY - box.top);
  }

  #hover(mark: NoteMark | null) {
    if (mark?.notes[0]?.id === this.#hovered?.notes[0]?.id) return;
    this.#hovered = mark;
    this.container.classList.toggle("over-note", mark !== null);
    this.events?.hovered(mark);
    this.#attached?.requestUpdate();
  }

  #click(event: MouseEvent) {
    const isHeld = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    if (isHeld || Math.hypot(event.clientX - this.#pressed.x, event.clientY - this.#pressed.y) > STILL) return;
    const note = this.#under(event)?.notes[0];
    if (note) this.events?.chosen(note);
  }
}

/** Up, down, or a dot: the stance without its colour. */
function outline(context: CanvasRenderingContext2D, x: number, y: number, size: number, stance: Stance | null) {
  context.beginPath();
  if (stance === "bullish" || stance === "bearish") {
    const tip = stance === "bullish" ? -size : size;
    context.moveTo(x, y + tip);
    context.lineTo(x + size, y - tip * 0.8);
    context.lineTo(x - size, y - tip * 0.8);
    context.closePath();
  } else context.arc(x, y, size * 0.75, 0, 2 * Math.PI);
}
