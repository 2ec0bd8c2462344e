/** Cells chosen in a table, and how keys move among them. Row −1 is the header. */
import type { Stretch } from "./viewport";

export interface Cell {
  row: number;
  column: number;
}

/** From the anchor to the head, which moves. */
export interface Selection {
  anchor: Cell;
  head: Cell;
}

export interface Block {
  rows: Stretch;
  columns: Stretch;
}

export interface Bounds {
  rows: number;
  columns: number;
  /** Rows that fit the view. */
  page: number;
}

export const HEADER = -1;

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

export const selectCell = (cell: Cell): Selection => ({ anchor: cell, head: cell });

export const selectRows = (from: number, to: number, { columns }: Pick<Bounds, "columns">): Selection => ({
  anchor: { row: from, column: 0 },
  head: { row: to, column: columns - 1 },
});

/** The chosen cells; none while the header is where the keys are. */
export function blockOf({ anchor, head }: Selection): Block | null {
  if (head.row === HEADER || anchor.row === HEADER) return null;
  const stretch = (a: number, b: number) => ({ from: Math.min(a, b), to: Math.max(a, b) + 1 });
  return { rows: stretch(anchor.row, head.row), columns: stretch(anchor.column, head.column) };
}

export const isWithin = (block: Block | null, { row, column }: Cell): boolean =>
  block !== null && row >= block.rows.from && row < block.rows.to && column >= block.columns.from && column < block.columns.to;

/** Where a key leads, or null when it is none of the table's. `word` is as `keyWord` says it, without Shift. */
function destination(word: string, { row, column }: Cell, { rows, columns, page }: Bounds): Cell | null {
  switch (word) {
    case "ArrowUp":
      return { row: row - 1, column };
    case "ArrowDown":
      return { row: row + 1, column };
    case "ArrowLeft":
      return { row, column: column - 1 };
    case "ArrowRight":
      return { row, column: column + 1 };
    case "PageUp":
      return { row: Math.max(0, row - page), column };
    case "PageDown":
      return { row: Math.max(0, row) + page, column };
    case "Home":
      return { row, column: 0 };
    case "End":
      return { row, column: columns - 1 };
    case "Ctrl+Home":
      return { row: 0, column: 0 };
    case "Ctrl+End":
      return { row: rows - 1, column: columns - 1 };
    case "Ctrl+ArrowUp":
      return { row: 0, column };
    case "Ctrl+ArrowDown":
      return { row: rows - 1, column };
    default:
      return null;
  }
}

/** The selection after a key: Shift drags the head along, anything else starts anew. Null when the key is not for a table. */
export function moveSelection(selection: Selection, word: string, bounds: Bounds): Selection | null {
  if (word === "Ctrl+a") return selectRows(0, bounds.rows - 1, bounds);
  const shift = word.includes("Shift+");
  if (word === "Shift+Space") {
    const block = blockOf(selection);
    return block && selectRows(block.rows.from, block.rows.to - 1, bounds);
  }
  const to = destination(word.replace("Shift+", ""), selection.head, bounds);
  if (!to) return null;
  const least = shift ? 0 : HEADER;
  const head = { row: clamp(to.row, Math.min(least, selection.head.row), bounds.rows - 1), column: clamp(to.column, 0, bounds.columns - 1) };
  return shift && selection.anchor.row !== HEADER ? { anchor: selection.anchor, head } : selectCell(head);
}

/** As spreadsheets read it: a cell that holds a tab, a line end or a quote is quoted; null is nothing. */
export function toTsv(rows: readonly (readonly (string | null)[])[], columns: Stretch): string {
  const field = (cell: string | null | undefined) => (cell == null ? "" : /[\t\r\n"]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return rows.map((row) => row.slice(columns.from, columns.to).map(field).join("\t")).join("\n");
}
