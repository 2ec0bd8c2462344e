/** A table that is held whole, for the grid: its rows, each with its texts in the order of the header. Pure. */
import type { GridColumn, GridRow } from "../shared/Grid.svelte";

export interface TableColumn<T> extends GridColumn {
  cell: (row: T) => string | null;
}

export interface Sorting {
  column: number;
  descending: boolean;
}

export interface TableRow<T> {
  row: T;
  cells: GridRow;
}

export function tableRows<T>(columns: readonly TableColumn<T>[], rows: readonly T[], sorting: Sorting | null): TableRow<T>[] {
  const lines = rows.map((row) => ({ row, cells: columns.map(({ cell }) => cell(row)) }));
  if (!sorting) return lines;
  const { column, descending } = sorting;
  const numeric = columns[column]?.numeric ?? false;
  return lines.sort((one, other) => {
    const [a, b] = [one.cells[column] ?? null, other.cells[column] ?? null];
    // What is not there is last, either way.
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order = numeric ? Number(a.replaceAll(",", "")) - Number(b.replaceAll(",", "")) : a < b ? -1 : a > b ? 1 : 0;
    return descending ? -order : order;
  });
}

export const longestCells = (columns: readonly unknown[], rows: readonly TableRow<unknown>[]): number[] =>
  columns.map((_, column) => rows.reduce((longest, { cells }) => Math.max(longest, cells[column]?.length ?? 0), 0));
