/** Queries and their result. Rows are in `pages`, outside reactive state; `drawn` grows when there is something new to draw. */
import { type ExportFormat, type Failure, failureOf, type Host, type Place, placeOf, type SqlAnswer, type SqlExport, type SqlRow, type SqlTable } from "../host";
import { failures } from "./failures.svelte";
import { latestOnly } from "./latest";
import { type Asked, forget, readAsked, remember } from "./query-history";
import { RowPages } from "./row-pages";

export type SqlHost = Pick<Host, "sqlSchema" | "sqlRun" | "sqlCancel" | "sqlRows" | "sqlSort" | "sqlExport">;

/** What is asked. `before` stood before it in the editor, when only a part was run. */
export interface Query {
  text: string;
  before: string;
  asOfMs: number | null;
  snapshot: string | null;
}

export interface Result extends SqlAnswer {
  asOfMs: number | null;
  snapshot: string | null;
}

export interface Refusal {
  failure: Failure;
  query: Query;
  place: Place | null;
}

export interface Sorting {
  column: number;
  descending: boolean;
}

/** Up, down, and back as it was answered. */
export function nextSorting(held: Sorting | null, column: number): Sorting | null {
  if (held?.column !== column) return { column, descending: false };
  return held.descending ? null : { column, descending: true };
}

/** Where what outlives the window is kept. */
export type Shelf = Pick<Storage, "getItem" | "setItem">;
const STORED = "tapedeck.sql";

export class SqlFeed {
  schema = $state.raw<readonly SqlTable[]>([]);
  /** Queries of before, newest first. */
  asked = $state.raw<readonly Asked[]>([]);
  /** `performance.now()` when the query under way began. */
  runningSince = $state.raw<number | null>(null);
  cancelling = $state(false);
  result = $state.raw<Result | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  /** How long the last query had run when it was cancelled. */
  cancelledAfterMs = $state.raw<number | null>(null);
  sorting = $state.raw<Sorting | null>(null);
  /** The rows are not yet in the order the header says. */
  ordering = $state(false);
  exporting = $state.raw<ExportFormat | null>(null);
  exported = $state.raw<SqlExport | null>(null);
  /** Rows in view could not be read. */
  unread = $state.raw<Failure | null>(null);
  drawn = $state(0);

  /** Not reactive: what stands in the editor, the rows, and the longest cell of each column so far. */
  draft = "";
  pages: RowPages | null = null;
  longest: number[] = [];
  #schemaAsked = false;
  #sort: (sorting: Sorting | null) => Promise<void>;

  constructor(
    private readonly host: SqlHost,
    private readonly shelf: Shelf,
  ) {
    this.#sort = latestOnly((sorting) => this.#sortNow(sorting));
    this.#recall();
  }

  /** Names for completion. Without them one can still write. */
  async learnSchema() {
    if (this.#schemaAsked) return;
    this.#schemaAsked = true;
    try {
      this.schema = await this.host.sqlSchema();
    } catch {
      this.#schemaAsked = false;
    }
  }

  async run(query: Query) {
    if (this.runningSince !== null || query.text.trim() === "") return;
    const since = performance.now();
    this.runningSince = since;
    this.cancelledAfterMs = null;
    this.refusal = null;
    this.#keepAsked(remember(this.asked, query.text, Date.now()));
    try {
      const answer = await this.host.sqlRun({ text: query.text, as_of_ms: query.asOfMs, snapshot: query.snapshot });
      this.#show({ ...answer, asOfMs: query.asOfMs, snapshot: query.snapshot });
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.code === "sql_cancelled") this.cancelledAfterMs = performance.now() - since;
      else this.refusal = { failure, query, place: placeOf(failure) };
    }
    this.runningSince = null;
    this.cancelling = false;
    // A query may be the first thing that works after the tiers came up.
    void this.learnSchema();
  }

  async cancel() {
    if (this.runningSince === null || this.cancelling) return;
    this.cancelling = true;
    try {
      await this.host.sqlCancel();
    } catch (thrown) {
      this.cancelling = false;
      failures.add(thrown);
    }
  }

  /** The header shows the wish at once; the rows follow. */
  sortBy(column: number) {
    this.sorting = nextSorting(this.sorting, column);
    void this.#sort(this.sorting);
  }

  async export(format: ExportFormat) {
    const result = this.result;
    if (!result || this.exporting) return;
    this.exporting = format;
    this.exported = null;
    try {
      const exported = await this.host.sqlExport(result.id, format);
      if (this.result === result) this.exported = exported;
    } catch (thrown) {
      failures.add(thrown);
    }
    this.exporting = null;
  }

  /** Asks again for rows that could not be read. */
  readAgain() {
    this.unread = null;
    this.pages?.again();
  }

  forgetAsked(text: string) {
    this.#keepAsked(forget(this.asked, text));
  }

  forgetAllAsked() {
    this.#keepAsked([]);
  }

  /** Keeps the draft through the window's end. */
  store() {
    try {
      this.shelf.setItem(STORED, JSON.stringify({ draft: this.draft, asked: this.asked }));
    } catch {
      // A page that may not store simply forgets.
    }
  }

  #show(result: Result) {
    this.result = result;
    this.sorting = null;
    this.exported = null;
    this.unread = null;
    this.longest = result.columns.map(() => 0);
    this.pages = new RowPages(result.rows, {
      rows: (from, count) => this.host.sqlRows(result.id, from, count),
      arrived: (rows) => {
        if (this.result !== result) return;
        this.#measure(rows);
        this.unread = null;
        this.drawn += 1;
      },
      failed: (thrown) => {
        if (this.result === result) this.unread = failureOf(thrown);
      },
    });
    this.drawn += 1;
  }

  #measure(rows: readonly SqlRow[]) {
    for (const row of rows) {
      row.forEach((cell, column) => {
        if (cell !== null && cell.length > this.longest[column]!) this.longest[column] = cell.length;
      });
    }
  }

  async #sortNow(sorting: Sorting | null) {
    const result = this.result;
    if (!result) return;
    this.ordering = true;
    try {
      await this.host.sqlSort(result.id, sorting?.column ?? null, sorting?.descending ?? false);
      if (this.result === result) this.pages?.reorder();
    } catch (thrown) {
      // The rows are in the order they were in, which the header does not know: it says nothing.
      if (this.result === result) this.sorting = null;
      failures.add(thrown);
    }
    this.ordering = false;
  }

  #keepAsked(asked: Asked[]) {
    this.asked = asked;
    this.store();
  }

  #recall() {
    try {
      const stored = JSON.parse(this.shelf.getItem(STORED) ?? "{}") as { draft?: unknown; asked?: unknown };
      this.draft = typeof stored.draft === "string" ? stored.draft : "";
      this.asked = readAsked(stored.asked);
    } catch {
      // What can not be read is as good as not there.
    }
  }
}
