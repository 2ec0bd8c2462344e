/** Colours of the theme, for canvases, which can not read CSS variables. */
export interface Palette {
  panel: string;
  line: string;
  text: string;
  dim: string;
  faint: string;
  up: string;
  down: string;
  live: string;
  replay: string;
  /** Of two that are compared. */
  first: string;
  second: string;
  /** Of hours like this one. */
  match: string;
  /** Of the analyst. */
  note: string;
  mono: string;
}

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const read = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    panel: read("panel"),
    line: read("line"),
    text: read("text"),
    dim: read("dim"),
    faint: read("faint"),
    up: read("up"),
    down: read("down"),
    live: read("live"),
    replay: read("replay"),
    first: read("first"),
    second: read("second"),
    match: read("match"),
    note: read("note"),
    mono: read("mono"),
  };
}

/** `#rrggbb` with an alpha of 0 to 1. */
export const withAlpha = (hex: string, alpha: number): string =>
  `${hex}${Math.round(alpha * 255)
    .toString(16)
    .padStart(2, "0")}`;
