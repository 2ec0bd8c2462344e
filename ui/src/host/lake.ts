/** A made-up lakehouse over the made-up tape, for the plain browser. It answers from what it has, and refuses what it can not. */
import type { MadeUpAccount } from "./account";
import { type Host, HostError, type Pipeline, type SqlCell, type SqlColumn, type SqlFailure, type SqlTable, type StageState } from "./host";
import type { MadeUpTape } from "./market";
import { Misread, readSelect, type Select, type Word } from "./query";

type Lake = Pick<Host, "sqlSchema" | "sqlRun" | "sqlCancel" | "sqlRows" | "sqlSort" | "sqlExport" | "pipeline">;

const ROW_LIMIT = 100_000;
const HOT_MS = 15 * 60_000;
const MINUTE = 60_000;

const text = (name: string) => ({ name, kind: "varchar", numeric: false });
const time = (name: string) => ({ name, kind: "timestamp", numeric: false });
const whole = (name: string) => ({ name, kind: "bigint", numeric: true });
const decimal = (name: string) => ({ name, kind: "decimal(20,8)", numeric: true });

const TICKS = [whole("seq"), time("tape_time"), text("kind"), text("source"), text("pair"), whole("trade_id"), decimal("price"), decimal("size"), text("side"), time("event_time"), time("received_time")];
const CANDLES = [text("source"), text("pair"), time("window_start"), time("window_end"), decimal("open"), decimal("high"), decimal("low"), decimal("close"), decimal("volume"), whole("tick_count"), text("quality"), whole("revision"), time("tape_time")];
const TABLES: Record<string, SqlColumn[]> = {
  "hot.ticks": TICKS,
  "hot.quotes": [text("source"), text("pair"), decimal("best_bid"), decimal("best_ask"), time("event_time")],
  "warm.candles": CANDLES,
  "cold.ticks": TICKS,
  "warm.trades": [text("session_id"), text("trade_id"), text("order_id"), text("pair"), text("side"), decimal("price"), decimal("fill_price"), decimal("quantity"), decimal("fee"), decimal("slippage"), decimal("total_cost"), text("source"), time("event_time")],
  "warm.transfers": [text("session_id"), whole("step"), time("tape_time"), text("transfer_id"), text("debit"), text("credit"), text("asset"), decimal("amount"), text("cause"), text("hash")],
};

interface Held {
  columns: SqlColumn[];
  answered: SqlCell[][];
  rows: SqlCell[][];
}

const stamp = (ms: number) => new Date(ms).toISOString().replace("Z", "000Z");

/** `scene`: `slow` takes eight seconds for a query, `refuse` loses results, `behind` has stages in trouble, `empty` has no rows, `long` large numbers. */
export function openLake(tape: MadeUpTape, scene: string | null, account: Pick<MadeUpAccount, "trade">): Lake {
  const held = new Map<number, Held>();
  let lastId = 0;
  let cancel: (() => void) | null = null;
  const startedMs = Date.now();

  function* ticks(fromMs: number, untilMs: number): Generator<SqlCell[]> {
    let seq = 0;
    for (let index = 0; index < tape.played(untilMs); index++) {
      for (const { pair, decimals } of tape.listings) {
        seq += 1;
        const { timeMs, price, size } = tape.tick(pair, index);
        if (timeMs < fromMs) continue;
        // No side is known of the first trade of a pair: a null to look at.
        const side = index === 0 ? null : price >= tape.tick(pair, index - 1).price ? "buy" : "sell";
        yield [String(seq), stamp(timeMs), "trade", "sample", pair, String(580_000_000 + seq), `${price.toFixed(decimals)}${"0".repeat(8 - decimals)}`, size.toFixed(8), side, stamp(timeMs), stamp(timeMs + 42)];
      }
    }
  }

  function* candles(untilMs: number): Generator<SqlCell[]> {
    for (let start = tape.fromMs; start + MINUTE <= untilMs && start < tape.toMs; start += MINUTE) {
      for (const { pair } of tape.listings) {
        const bar = tape.bar(pair, start, MINUTE, untilMs);
        if (!bar) continue;
        const money = [bar.open, bar.high, bar.low, bar.close, bar.volume].map((value) => value.toFixed(8));
        yield ["sample", pair, stamp(start), stamp(start + MINUTE), ...money, String(bar.ticks), bar.quality, "0", stamp(start + MINUTE)];
      }
    }
  }

  /** What the account did; a column it does not have is the session's. */
  function books(table: "warm.trades" | "warm.transfers"): SqlCell[][] {
    const answer = account.trade(table === "warm.trades" ? { trades: { limit: ROW_LIMIT } } : { transfers: { limit: ROW_LIMIT } });
    const rows = typeof answer !== "object" ? [] : answer.trades ? answer.trades : answer.transfers ? answer.transfers : [];
    return rows.map((row) => TABLES[table]!.map(({ name }) => (name === "session_id" ? "live" : ((row as Record<string, SqlCell>)[name] ?? null))));
  }

  function* rowsOf(table: string, asOfMs: number): Generator<SqlCell[]> {
    if (scene === "empty") return;
    if (table === "warm.candles") yield* candles(asOfMs);
    else if (table === "warm.trades" || table === "warm.transfers") yield* books(table);
    else if (table === "cold.ticks") yield* ticks(tape.fromMs, asOfMs);
    else if (table === "hot.ticks") yield* ticks(asOfMs - HOT_MS, asOfMs);
    else {
      for (const { pair, decimals } of tape.listings) {
        const price = tape.price(pair, asOfMs);
        if (price === null) continue;
        const half = 0.5 / 10 ** decimals;
        yield ["sample", pair, (price - half).toFixed(8), (price + half).toFixed(8), stamp(asOfMs)];
      }
    }
  }

  function answer(query: string, asOfMs: number) {
    const select = readSelect(query);
    const columns = TABLES[select.table.text.toLowerCase()];
    if (!columns) throw new Misread(`No table is called ${select.table.text}. There are ${Object.keys(TABLES).join(", ")}.`, select.table.at, "sql_unknown_table");
    const chosen = select.columns?.map((word) => indexOf(columns, word)) ?? columns.map((_, index) => index);
    const keep = select.where.map(({ column, op, value }) => comparison(indexOf(columns, column), op, value));
    const rows: SqlCell[][] = [];
    const most = select.order ? Infinity : Math.min(ROW_LIMIT + 1, select.limit ?? Infinity);
    for (const row of rowsOf(select.table.text.toLowerCase(), asOfMs)) {
      if (rows.length >= most) break;
      if (keep.every((test) => test(row))) rows.push(row);
    }
    sortRows(rows, columns, select);
    const asked = Math.min(rows.length, select.limit ?? Infinity);
    const answered = rows.slice(0, Math.min(ROW_LIMIT, asked)).map((row) => chosen.map((index) => row[index]!));
    held.clear();
    held.set(++lastId, { columns: chosen.map((index) => columns[index]!), answered, rows: answered });
    return { id: lastId, columns: chosen.map((index) => columns[index]!), rows: answered.length, truncated: asked > ROW_LIMIT };
  }

  function result(id: number): Held {
    const found = held.get(id);
    if (!found || scene === "refuse") throw refuse("sql_result_gone", "This result is no longer held: the core was started anew.", "Run the query again.");
    return found;
  }

  return {
    sqlSchema: async (): Promise<SqlTable[]> => Object.entries(TABLES).map(([name, columns]) => ({ name, columns: columns.map(({ name, kind }) => ({ name, kind })) })),
    async sqlRun({ text, as_of_ms }) {
      const began = performance.now();
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, scene === "slow" ? 8_000 : 30);
        cancel = () => {
          clearTimeout(timer);
          reject(refuse("sql_cancelled", "The query was cancelled.", "Run it again."));
        };
      });
      cancel = null;
      try {
        return { ...answer(text, Math.min(as_of_ms ?? Infinity, tape.toMs)), took_ms: performance.now() - began };
      } catch (thrown) {
        if (!(thrown instanceof Misread)) throw thrown;
        const before = text.slice(0, thrown.at).split("\n");
        throw refuse(thrown.code, thrown.message, thrown.code === "sql_browser" ? "Open the desk's own window for all of SQL." : "Correct it and run it again.", before.length, before.at(-1)!.length + 1);
      }
    },
    sqlCancel: async () => cancel?.(),
    sqlRows: async (id, from, count) => result(id).rows.slice(from, from + count),
    async sqlSort(id, column, descending) {
      const found = result(id);
      found.rows = column === null ? found.answered : [...found.answered].sort(order(column, found.columns[column]!.numeric, descending));
    },
    async sqlExport(id, format) {
      const { rows } = result(id);
      await new Promise((resolve) => setTimeout(resolve, 400));
      return { path: `/home/trader/.local/share/tapedeck/exports/2024-01-01T14-07-31Z-query-${id}.${format}`, rows: rows.length, bytes: rows.length * (format === "csv" ? 148 : 31) };
    },
    pipeline: async () => madeUpPipeline(Date.now(), (Date.now() - startedMs) / 1_000, scene),
  };
}

function refuse(code: string, what: string, todo: string, line: number | null = null, column: number | null = null): HostError {
  const failure: SqlFailure = { code, what, kept: "Nothing was changed.", do: todo, line, column };
  return new HostError(failure);
}

function indexOf(columns: readonly SqlColumn[], word: Word): number {
  const index = columns.findIndex(({ name }) => name === word.text.toLowerCase());
  if (index >= 0) return index;
  const letters = (name: string) => [...name].sort().join("");
  const near = columns.find(({ name }) => letters(name) === letters(word.text.toLowerCase()) || name.startsWith(word.text.slice(0, 3).toLowerCase()));
  throw new Misread(`No column is called ${word.text}.${near ? ` Did you mean ${near.name}?` : ""}`, word.at, "sql_unknown_column");
}

function comparison(index: number, op: string, value: string): (row: readonly SqlCell[]) => boolean {
  return (row) => {
    const cell = row[index];
    if (cell == null) return false;
    const [a, b] = Number.isFinite(Number(value)) ? [Number(cell), Number(value)] : [cell, value];
    return op === "=" ? a === b : op === "<" ? a < b : op === ">" ? a > b : op === "<=" ? a <= b : op === ">=" ? a >= b : a !== b;
  };
}

/** Nulls last, either way. */
function order(column: number, numeric: boolean, descending: boolean) {
  return (one: readonly SqlCell[], other: readonly SqlCell[]): number => {
    const [a, b] = [one[column], other[column]];
    if (a == null || b == null) return Number(a == null) - Number(b == null);
    const sign = numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0;
    return descending ? -sign : sign;
  };
}

function sortRows(rows: SqlCell[][], columns: readonly SqlColumn[], { order: wish }: Select) {
  if (!wish) return;
  const index = indexOf(columns, wish.column);
  rows.sort(order(index, columns[index]!.numeric, wish.descending));
}

function madeUpPipeline(atMs: number, seconds: number, scene: string | null): Pipeline {
  const scale = scene === "long" ? 1_000_000 : 1;
  const trades = scale * (512_774 + Math.round(seconds * 14));
  const quotes = scale * (1_204_611 + Math.round(seconds * 22));
  const parts = { trades, quotes, control: scale * 43_210, history: scale * 600, ignored: 0, duplicates: scale * 12, quarantined: scale * 3 };
  const frames = Object.values(parts).reduce((sum, part) => sum + part, 0);
  const bad = scene === "behind";
  const stage = (name: Pipeline["stages"][number]["name"], state: StageState, text: string) => ({ name, state, text, per_s: null, lag_s: null, watermark_ms: null, last_commit_ms: null, commits: null, snapshots: null, rows: null, bytes: null });
  if (scene === "empty") {
    const stages = (["feed", "journal", "engine", "hot", "warm", "cold", "vectors"] as const).map((name) => stage(name, "waiting", "Nothing has come yet."));
    return { at_ms: atMs, stages, counts: { frames: 0, trades: 0, quotes: 0, control: 0, history: 0, ignored: 0, duplicates: 0, quarantined: 0, late: 0, accepted: 0 } };
  }
  const ago = (s: number) => atMs - s * 1_000;
  const wobble = Math.sin(seconds) * 2;
  return {
    at_ms: atMs,
    stages: [
      { ...stage("feed", bad ? "failed" : "ok", bad ? "Connection refused; trying again in 8 s." : "6 pairs, 3 channels."), per_s: bad ? 0 : scale * (38 + wobble), lag_s: bad ? 412 : 0.1 },
      { ...stage("journal", "ok", "Every group synced."), per_s: scale * (37 + wobble), lag_s: 0.002, watermark_ms: ago(0.1), last_commit_ms: ago(0.2), commits: Math.ceil(scale / 100) * 41_204, rows: scale * 1_760_595, bytes: scale * 148_204_112 },
      { ...stage("engine", "ok", "2,880 minutes of each pair kept for revisions."), per_s: scale * (37 + wobble), lag_s: 0.1, watermark_ms: ago(5), rows: scale * 8_640 },
      { ...stage("hot", "ok", "The last 15 minutes."), per_s: scale * (36 + wobble), lag_s: 0.1, watermark_ms: ago(0.2), rows: scale * 33_871, bytes: scale * 6_204_112 },
      { ...stage("warm", bad ? "behind" : "waiting", bad ? "Catching up after a slow disk: 214 minutes to write." : "Waits for the minute to close."), per_s: 0.1, lag_s: bad ? 12_840 : 31, watermark_ms: ago(bad ? 12_840 : 36), last_commit_ms: ago(bad ? 12_900 : 29), commits: Math.ceil(scale / 100) * 1_441, snapshots: 12, rows: scale * 8_641, bytes: scale * 612_004 },
      bad
        ? stage("cold", "off", "Switched off in the settings.")
        : { ...stage("cold", "ok", "A commit about once a minute; the last compaction made 1 day file of 61."), per_s: scale * (35 + wobble), lag_s: 44, watermark_ms: ago(44), last_commit_ms: ago(41), commits: Math.ceil(scale / 100) * 1_439, snapshots: 60, rows: scale * 1_759_011, bytes: scale * 41_204_991 },
      { ...stage("vectors", "ok", "Holds everything."), lag_s: 0, watermark_ms: ago(44), last_commit_ms: ago(41), commits: Math.ceil(scale / 100) * 1_437, snapshots: 24, rows: scale * 8_282, bytes: scale * 3_204_991 },
    ],
    counts: { frames: bad ? frames + 3 : frames, ...parts, late: scale * 87, accepted: trades },
  };
}
