/**
 * Rows of one result, fetched a page at a time as they come into view and kept to a bound. Plain arrays, never reactive:
 * whoever draws is told when there is something new.
 */
import type { SqlRow } from "../host";

export const PAGE = 250;
/** Pages kept: 6 000 rows, of which a screen shows forty. */
const KEPT = 24;
const AT_ONCE = 2;
/** Rows of one call when many are read through, as for copying. */
const GULP = 2_000;

export interface RowSource {
  rows(from: number, count: number): Promise<readonly SqlRow[]>;
  /** New rows can be drawn. */
  arrived(rows: readonly SqlRow[]): void;
  /** Rows in view could not be read; they are asked for again with the next `want`, or with `again`. */
  failed(thrown: unknown): void;
}

export class RowPages {
  /** In order of use, the least recent first. */
  #pages = new Map<number, readonly SqlRow[]>();
  #asked = new Set<number>();
  #wanted: number[] = [];
  /** The order of the rows: answers to an older one are not for us. */
  #order = 0;
  #outdated = false;

  constructor(
    readonly rows: number,
    private readonly source: RowSource,
  ) {}

  row(index: number): SqlRow | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** These rows are in view. Only the newest wish counts: pages that were flicked past are not fetched. */
  want(from: number, to: number) {
    this.#wanted = [];
    const last = Math.floor((Math.min(to, this.rows) - 1) / PAGE);
    for (let page = Math.max(0, Math.floor(from / PAGE)); page <= last; page++) {
      this.#wanted.push(page);
      this.#touch(page);
    }
    this.#fetch();
  }

  /** Asks for what is in view and could not be read. */
  again() {
    this.#fetch();
  }

  /** The rows are in another order now. What is drawn stays until the first page in the new order is there. */
  reorder() {
    this.#order += 1;
    this.#outdated = true;
    this.#asked.clear();
    this.#fetch();
  }

  /** Any stretch in full, however long, past the cache. */
  async read(from: number, to: number): Promise<SqlRow[]> {
    const read: SqlRow[] = [];
    for (let at = from; at < to; at += GULP) read.push(...(await this.source.rows(at, Math.min(GULP, to - at))));
    return read;
  }

  /** What of `from`…`to` is held, when all of it is. */
  held(from: number, to: number): SqlRow[] | null {
    if (this.#outdated || to - from > KEPT * PAGE) return null;
    const held: SqlRow[] = [];
    for (let index = from; index < to; index++) {
      const row = this.row(index);
      if (!row) return null;
      held.push(row);
    }
    return held;
  }

  #fetch() {
    for (const page of this.#wanted) {
      if (this.#asked.size >= AT_ONCE) return;
      if (this.#asked.has(page) || (this.#pages.has(page) && !this.#outdated)) continue;
      void this.#ask(page);
    }
  }

  async #ask(page: number) {
    const order = this.#order;
    this.#asked.add(page);
    try {
      const rows = await this.source.rows(page * PAGE, Math.min(PAGE, this.rows - page * PAGE));
      if (order !== this.#order) return;
      this.#asked.delete(page);
      this.#keep(page, rows);
      this.source.arrived(rows);
      this.#fetch();
    } catch (thrown) {
      if (order !== this.#order) return;
      this.#asked.delete(page);
      this.source.failed(thrown);
    }
  }

  #keep(page: number, rows: readonly SqlRow[]) {
    if (this.#outdated) this.#pages.clear();
    this.#outdated = false;
    this.#pages.set(page, rows);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      if (!this.#wanted.includes(oldest)) this.#pages.delete(oldest);
    }
  }

  #touch(page: number) {
    const rows = this.#pages.get(page);
    if (!rows) return;
    this.#pages.delete(page);
    this.#pages.set(page, rows);
  }
}
