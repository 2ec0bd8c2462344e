/** Sessions as a tree: each under the one it left. Pure. */
import type { SessionRow } from "../host";

export interface Branch {
  row: SessionRow;
  /** Of what is shown above it. */
  depth: number;
  /** The name of the session it left, shown or not; null of one that left none, or one that is gone. */
  leftName: string | null;
}

/**
 * In the order they were begun, forks after what they left. Where a session is not shown its forks take its place; one whose parent
 * is gone stands for itself. The one on the deck is always shown.
 */
export function branches(rows: readonly SessionRow[], withArchived: boolean): Branch[] {
  const known = new Map(rows.map((row) => [row.number, row]));
  const forks = new Map<number | null, SessionRow[]>();
  for (const row of rows) {
    const left = row.left !== null && known.has(row.left) && row.left !== row.number ? row.left : null;
    forks.set(left, [...(forks.get(left) ?? []), row]);
  }
  const tree: Branch[] = [];
  const under = (left: number | null, depth: number) => {
    for (const row of forks.get(left) ?? []) {
      const shown = withArchived || !row.archived || row.on_deck;
      if (shown) tree.push({ row, depth, leftName: row.left === null ? null : (known.get(row.left)?.name ?? null) });
      under(row.number, shown ? depth + 1 : depth);
    }
  };
  under(null, 0);
  return tree;
}

/** Those that `branches` leaves out until they are asked for. */
export const hiddenCount = (rows: readonly SessionRow[]): number => rows.filter((row) => row.archived && !row.on_deck).length;

/** Of the account of the tape itself, and of one that nobody has traded on, nothing is on disk that could be renamed or deleted. */
export const isKept = (row: SessionRow): boolean => row.id !== null;
