import { expect, test, vi } from "vitest";
import { type Deck, HostError, type NoteRow, type Notes } from "../host";
import { NoteMarksFeed } from "./note-marks.svelte";

const row = (as_of_ms: number, pair = "BTC-USD", more: Partial<NoteRow> = {}) => ({ id: `${pair} ${as_of_ms}`, pair, as_of_ms, refused: null, after_60_pct: null, hit: null, ...more }) as NoteRow;
const settle = () => new Promise((resolve) => setTimeout(resolve, 4));

function bench(known: NoteRow[]) {
  const asked: string[] = [];
  const core = { notes: known, refuses: false, slow: null as Promise<void> | null };
  let at = { deck: "replay" as Deck, ms: 0, pair: "BTC-USD", noted: 0 };
  const feed = new NoteMarksFeed(
    {
      async notes(pair, beforeMs, limit): Promise<Notes> {
        asked.push(`${pair} ${beforeMs} ${limit}`);
        const cursor = at.ms;
        await core.slow;
        if (core.refuses) throw new HostError({ code: "x", what: "x", kept: "x", do: "x" });
        const found = core.notes.filter((note) => note.pair === pair && note.as_of_ms <= cursor).sort((a, b) => b.as_of_ms - a.as_of_ms);
        return { notes: found.slice(0, limit), scores: [], more: found.length > limit };
      },
    },
    0,
  );
  const frame = (change: Partial<typeof at> = {}) => {
    at = { ...at, ...change };
    feed.frame({ deck: at.deck, clock: { at_ms: at.ms, text: "" }, watch: { pair: at.pair, interval: "1m" }, noted: at.noted });
    return settle();
  };
  return { feed, frame, asked, core, shown: () => feed.notes.map(({ as_of_ms }) => as_of_ms) };
}

test("the notes are asked for with a new note or another pair, and not with every frame", async () => {
  const { frame, asked, shown } = bench([row(10), row(20, "ETH-USD"), row(30, "BTC-USD", { refused: { code: "number", sentence: "" } })]);
  await frame({ ms: 15, noted: 1 });
  for (let each = 0; each < 20; each++) await frame({ ms: 15 + each * 0.1 });
  expect([asked, shown()]).toEqual([["BTC-USD null 500"], [10]]);
  await frame({ ms: 40, noted: 3 });
  expect([asked.length, shown()]).toEqual([2, [10]]);
  void frame({ pair: "ETH-USD" });
  expect(shown()).toEqual([]);
  await settle();
  expect(shown()).toEqual([20]);
});

test("nothing of a later moment is marked when the tape goes back, not even until the answer comes", async () => {
  const { frame, shown, core } = bench([row(10), row(30)]);
  await frame({ ms: 40, noted: 2 });
  let land = () => {};
  core.slow = new Promise((resolve) => (land = resolve));
  void frame({ ms: 20, noted: 1 });
  expect(shown()).toEqual([10]);
  land();
  await settle();
  expect(shown()).toEqual([10]);
});

test("an answer as of a later moment, or of another pair, is not marked", async () => {
  const { frame, shown, core } = bench([row(10), row(30), row(5, "ETH-USD")]);
  const lands: (() => void)[] = [];
  core.slow = new Promise((resolve) => lands.push(resolve));
  await frame({ ms: 40, noted: 3 });
  core.slow = new Promise((resolve) => lands.push(resolve));
  await frame({ ms: 20, noted: 2, pair: "ETH-USD" });
  lands[0]!();
  await settle();
  expect(shown()).toEqual([]);
  lands[1]!();
  await settle();
  expect(shown()).toEqual([5]);
});

test("live jumps back to when its newest note was known, which is not before that of its minute", async () => {
  const { feed, frame } = bench([row(10), row(30, "BTC-USD", { known_ms: 33 })]);
  expect(feed.newestMs).toBeNull();
  await frame({ deck: "live", ms: 60, noted: 2 });
  expect(feed.newestMs).toBe(33);
});

test("notes that could not be read are asked for again, though not with every frame", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const { frame, asked, core, shown } = bench([row(10)]);
    vi.setSystemTime(0);
    core.refuses = true;
    await frame({ ms: 15, noted: 1 });
    core.refuses = false;
    await frame();
    expect([asked.length, shown()]).toEqual([1, []]);
    vi.advanceTimersByTime(3_500);
    await frame();
    expect([asked.length, shown()]).toEqual([2, [10]]);
  } finally {
    vi.useRealTimers();
  }
});
