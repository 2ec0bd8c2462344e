/** What the schema offers to the one who writes. Columns are offered of the tables the query already names. */
import type { SqlTable } from "../host";

/** `warm.candles` → `{ warm: { candles: [columns] } }`, as the editor's language wants it. */
export function schemaTree(tables: readonly SqlTable[]): Record<string, Record<string, string[]>> {
  const tree: Record<string, Record<string, string[]>> = {};
  for (const { name, columns } of tables) {
    const [schema = "", table = ""] = name.split(".");
    (tree[schema] ??= {})[table] = columns.map((column) => column.name);
  }
  return tree;
}

export interface ColumnOffer {
  name: string;
  /** Its kind and where it is from. */
  detail: string;
}

/** Columns of the tables that are named anywhere in the text, each name once, in the tables' order. */
export function columnsInReach(text: string, tables: readonly SqlTable[]): ColumnOffer[] {
  const named = new Set([...text.toLowerCase().matchAll(/\b[a-z_]\w*\.[a-z_]\w*\b/g)].map(([name]) => name));
  const offers = new Map<string, ColumnOffer>();
  for (const { name, columns } of tables) {
    if (!named.has(name.toLowerCase())) continue;
    for (const column of columns) {
      const other = offers.get(column.name);
      offers.set(column.name, { name: column.name, detail: other ? `${other.detail}, ${name}` : `${column.kind} · ${name}` });
    }
  }
  return [...offers.values()];
}
