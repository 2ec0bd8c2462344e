import { beforeEach, expect, test } from "vitest";
import { type Frame, HostError, type Models, type NoteRow, type Notes, type NoteView, type Pulling } from "../host";
import { AnalystFeed } from "./analyst.svelte";
import { failures } from "./failures.svelte";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const row = (id: string, as_of_ms: number, more: Partial<NoteRow> = {}) => ({ id, as_of_ms, pair: "BTC-USD", after_60_pct: null, hit: null, refused: null, ...more }) as NoteRow;
const settle = () => new Promise((resolve) => setTimeout(resolve, 3));
const broken = () => new HostError({ code: "notes_unreadable", what: "A block fails.", kept: "All.", do: "Verify." });

/** A core with the notes it is given. */
function bench(known: NoteRow[] = []) {
  const asked: string[] = [];
  const core = { notes: known, refuses: false, slow: null as Promise<void> | null, pageMost: Infinity, models: { url: "u", chosen: null, models: [], failure: null } as Models };
  let at = { deck: "sample" as Frame["deck"], ms: 0, pair: "BTC-USD", noted: 0, pulling: null as Pulling | null };
  const feed = new AnalystFeed(
    {
      async notes(pair, beforeMs, limit): Promise<Notes> {
        asked.push(`notes ${pair} ${beforeMs}`);
        const [cursor, known] = [at.ms, core.notes];
        await core.slow;
        if (core.refuses) throw broken();
        const found = known.filter((note) => note.as_of_ms <= cursor && (beforeMs === null || note.as_of_ms < beforeMs)).sort((a, b) => b.as_of_ms - a.as_of_ms);
        const most = Math.min(limit, core.pageMost);
        return { notes: found.slice(0, most), scores: [], more: found.length > most };
      },
      async note(id): Promise<NoteView> {
        asked.push(`note ${id}`);
        const found = core.notes.find((note) => note.id === id);
        if (!found) throw broken();
        return { row: found, facts: [], numbers: [], reply: null, prompt: "" };
      },
      async askAnalyst(pair) {
        asked.push(`ask ${pair}`);
        if (core.refuses) throw broken();
        await core.slow;
        core.notes = [...core.notes, row("asked", at.ms)];
        return "asked";
      },
      models: async () => (asked.push("models"), core.models),
      chooseModel: async (name) => void asked.push(`choose ${name}`),
      pullModel: async (name) => void asked.push(`pull ${name}`),
      cancelPull: async () => void asked.push("cancel"),
    },
    0,
  );
  const frame = (change: Partial<typeof at> = {}) => {
    at = { ...at, ...change };
    feed.frame({ deck: at.deck, clock: { at_ms: at.ms, text: "" }, watch: { pair: at.pair, interval: "1m" }, noted: at.noted, pulling: at.pulling });
    return settle();
  };
  return { feed, frame, asked, core };
}

beforeEach(() => (failures.shown = []));

test("the notes are read while somebody looks, and again with a new one or a new minute, not with every frame", async () => {
  const { feed, frame, asked, core } = bench([row("a", 0)]);
  await frame({ ms: 10 * HOUR });
  expect(asked).toEqual([]);
  feed.look(true);
  await settle();
  for (let each = 0; each < 20; each++) await frame();
  expect([asked, feed.notes?.map(({ id }) => id), feed.atMs]).toEqual([["notes BTC-USD null"], ["a"], 10 * HOUR]);
  core.notes.push(row("b", 10 * HOUR));
  await frame({ noted: 2 });
  expect(feed.notes?.map(({ id }) => id)).toEqual(["b", "a"]);
  await frame({ ms: 10 * HOUR + MINUTE });
  expect(asked.length).toBe(3);
});

test("nothing of a later moment stays when the tape goes back", async () => {
  const { feed, frame } = bench([row("new", 9 * HOUR), row("judged", 7 * HOUR, { after_60_pct: 1, hit: true }), row("old", 5 * HOUR)]);
  feed.look(true);
  await frame({ ms: 10 * HOUR });
  feed.select("new");
  await settle();
  expect(feed.view?.row.id).toBe("new");
  void frame({ ms: 7.5 * HOUR });
  expect([feed.notes?.map(({ id, hit }) => [id, hit]), feed.selected, feed.view]).toEqual([[["judged", null], ["old", null]], null, null]);
});

test("an answer as of a later moment is shown at no earlier one", async () => {
  const { feed, frame, core } = bench([row("new", 9 * HOUR), row("old", 5 * HOUR)]);
  const lands: (() => void)[] = [];
  const slow = () => (core.slow = new Promise((resolve) => lands.push(resolve)));
  void slow();
  feed.look(true);
  await frame({ ms: 10 * HOUR });
  await frame({ ms: 6 * HOUR });
  void slow();
  lands[0]!();
  await settle();
  expect(feed.notes).toBeNull();
  lands[1]!();
  await settle();
  expect(feed.notes?.map(({ id }) => id)).toEqual(["old"]);
});

test("notes of one pair or tape are not shown for another", async () => {
  const { feed, frame, asked } = bench([row("a", 0)]);
  feed.look(true);
  await frame({ ms: HOUR });
  feed.select("a");
  await settle();
  void frame({ pair: "ETH-USD" });
  expect([feed.notes, feed.selected, feed.view]).toEqual([null, null, null]);
  await settle();
  feed.switchAcross();
  expect(feed.notes).toBeNull();
  await settle();
  await frame({ pair: "BTC-USD" });
  expect([asked.filter((each) => each.startsWith("notes")), feed.notes?.length]).toEqual([["notes BTC-USD null", "notes ETH-USD null", "notes null null"], 1]);
});

test("older notes are joined below, and stay when the newest are read again", async () => {
  const { feed, frame, core } = bench(Array.from({ length: 7 }, (_, index) => row(`n${index}`, index * HOUR)));
  core.pageMost = 3;
  feed.look(true);
  await frame({ ms: 10 * HOUR });
  expect([feed.notes?.length, feed.more]).toEqual([3, true]);
  await feed.older();
  await feed.older();
  await feed.older();
  expect([feed.notes?.map(({ id }) => id), feed.more]).toEqual([["n6", "n5", "n4", "n3", "n2", "n1", "n0"], false]);
  core.notes = [...core.notes, row("n7", 10 * HOUR)];
  await frame({ noted: 1 });
  expect([feed.notes?.length, feed.notes?.[0]?.id, feed.more]).toEqual([8, "n7", false]);
});

test("a page that ends amid the pairs of one moment loses none of them", async () => {
  const { feed, frame, core } = bench(["BTC", "ETH", "SOL", "DOGE"].map((pair) => row(pair, HOUR)));
  core.pageMost = 3;
  feed.look(true);
  await frame({ ms: 2 * HOUR });
  core.pageMost = 9;
  await feed.older();
  expect(feed.notes?.map(({ id }) => id)).toEqual(["BTC", "ETH", "SOL", "DOGE"]);
});

test("older notes of one pair are not joined to those of another", async () => {
  const { feed, frame, core } = bench(Array.from({ length: 4 }, (_, index) => row(`n${index}`, index * HOUR)));
  core.pageMost = 2;
  feed.look(true);
  await frame({ ms: 10 * HOUR });
  let land = () => {};
  core.slow = new Promise((resolve) => (land = resolve));
  void feed.older();
  core.slow = null;
  core.notes = [row("eth", 0)];
  await frame({ pair: "ETH-USD" });
  land();
  await settle();
  expect(feed.notes?.map(({ id }) => id)).toEqual(["eth"]);
});

test("a note that is asked for is shown when it is there, once, and a refusal says why", async () => {
  const { feed, frame, asked, core } = bench();
  feed.look(true);
  await frame({ ms: HOUR });
  void feed.askNow();
  void feed.askNow();
  expect(feed.asking?.pair).toBe("BTC-USD");
  await settle();
  expect([feed.asking, feed.selected, feed.view?.row.id, asked.filter((each) => each.startsWith("ask")).length]).toEqual([null, "asked", "asked", 1]);
  expect(feed.notes?.[0]?.id).toBe("asked");
  core.refuses = true;
  await feed.askNow();
  expect([failures.shown[0]?.code, feed.asking]).toEqual(["notes_unreadable", null]);
});

test("a note that nobody waits for any more comes into the list and not into view, and another can be asked for", async () => {
  const { feed, frame, core, asked } = bench();
  let land = () => {};
  core.slow = new Promise((resolve) => (land = resolve));
  feed.look(true);
  await frame({ ms: HOUR });
  void feed.askNow();
  feed.stopWaiting();
  expect(feed.asking).toBeNull();
  core.slow = new Promise(() => {});
  void feed.askNow();
  land();
  await settle();
  expect([feed.selected, feed.asking?.pair, asked.filter((each) => each.startsWith("ask")).length]).toEqual([null, "BTC-USD", 2]);
});

test("a note that comes when another tape is on the deck is not shown there", async () => {
  const { feed, frame, core } = bench();
  let land = () => {};
  core.slow = new Promise((resolve) => (land = resolve));
  feed.look(true);
  await frame({ ms: HOUR });
  void feed.askNow();
  await frame({ deck: "live" });
  land();
  await settle();
  expect([feed.selected, feed.asking]).toEqual([null, null]);
});

test("notes that could not be read say so, keep those of before, and are read again when asked", async () => {
  const { feed, frame, core } = bench([row("a", 0)]);
  feed.look(true);
  await frame({ ms: HOUR });
  core.refuses = true;
  await frame({ noted: 1 });
  expect([feed.failure?.code, feed.notes?.length]).toEqual(["notes_unreadable", 1]);
  core.refuses = false;
  feed.again();
  await settle();
  expect(feed.failure).toBeNull();
});

test("the models are read anew when one was chosen or fetched, and not with every frame of it", async () => {
  const { feed, frame, asked } = bench();
  await feed.readModels();
  // One of before this window.
  await frame({ pulling: { model: "old", status: "ready", share: 1, ended: true, error: null } });
  await feed.choose("gemma3:270m");
  await feed.pull("llama3.2:1b");
  const pulling = (share: number, ended = false): Pulling => ({ model: "llama3.2:1b", status: "pulling", share, ended, error: null });
  await frame({ pulling: pulling(0.1) });
  const held = feed.pulling;
  await frame({ pulling: pulling(0.1) });
  expect(feed.pulling).toBe(held);
  const before = asked.filter((each) => each === "models").length;
  await frame({ pulling: pulling(1, true) });
  await frame({ pulling: pulling(1, true) });
  expect([before, asked.filter((each) => each === "models").length]).toEqual([3, 4]);
  expect(asked.filter((each) => each !== "models")).toEqual(["choose gemma3:270m", "pull llama3.2:1b"]);
});
