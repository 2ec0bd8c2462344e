import { expect, test } from "vitest";
import type { NoteRow } from "../host";
import { afterwardsOf, confidenceOf, joined, knownAt, noteOfKey, partsOf, pullingText, refreshed, scoreOf, stanceOf } from "./analyst";

const HOUR = 3_600_000;
const note = (id: string, as_of_ms = 0, more: Partial<NoteRow> = {}) => ({ id, as_of_ms, after_60_pct: null, hit: null, ...more }) as NoteRow;

test("each number of a text is a part by itself, and the parts are the text", () => {
  const text = "Rose 0.42 % to 42,318.50 in an hour.";
  const parts = partsOf(text, [{ from: 15, to: 24, fact: 0 }, { from: 5, to: 11, fact: 3 }]);
  expect(parts).toEqual([{ text: "Rose ", fact: null }, { text: "0.42 %", fact: 3 }, { text: " to ", fact: null }, { text: "42,318.50", fact: 0 }, { text: " in an hour.", fact: null }]);
  expect(partsOf(text, [])).toEqual([{ text, fact: null }]);
  expect(partsOf("", [])).toEqual([]);
});

test("places that overlap, are empty or are not in the text lose no letter of it", () => {
  const text = "Rose 0.42 %.";
  const odd = [{ from: 5, to: 9, fact: 0 }, { from: 7, to: 11, fact: 1 }, { from: 4, to: 4, fact: 2 }, { from: 10, to: 99, fact: 3 }, { from: -2, to: 1, fact: 4 }];
  const parts = partsOf(text, odd);
  expect(parts.map((part) => part.text).join("")).toBe(text);
  expect(parts.filter(({ fact }) => fact !== null)).toEqual([{ text: "0.42", fact: 0 }]);
});

test("a place behind a sign of two units is where the core says it is", () => {
  // Offsets are of UTF-16, as those of the page.
  expect(partsOf("📈 0.42", [{ from: 3, to: 7, fact: 0 }])[1]).toEqual({ text: "0.42", fact: 0 });
});

test("a call is right or wrong only once its hour is over", () => {
  expect(afterwardsOf({ after_60_pct: null, hit: null })).toMatchObject({ text: "…", tone: "plain" });
  expect(afterwardsOf({ after_60_pct: 0.421, hit: true })).toMatchObject({ text: "+0.42 %", tone: "hit" });
  expect(afterwardsOf({ after_60_pct: -0.1, hit: false })).toMatchObject({ text: "−0.10 %", tone: "miss" });
  expect(afterwardsOf({ after_60_pct: 0, hit: null })).toMatchObject({ text: "0.00 %", tone: "plain" });
});

test("what became known later is not known before", () => {
  const notes = [note("late", 9 * HOUR), note("new", 8 * HOUR, { after_60_pct: 1, hit: true }), note("old", 7 * HOUR, { after_60_pct: -1, hit: false })];
  expect(knownAt(notes, 8.5 * HOUR).map(({ id, after_60_pct, hit }) => [id, after_60_pct, hit])).toEqual([["new", null, null], ["old", -1, false]]);
});

test("fewer than twenty judged calls are no score", () => {
  const score = { author: "rules", hit_rate: 1, base_rate: 0.5, brier: 0.1, base_brier: 0.25 };
  expect(scoreOf({ ...score, n: 19 })).toMatchObject({ n: 19, hits: null, brier: null });
  expect(scoreOf({ ...score, n: 20 })).toMatchObject({ hits: ["100 %", "50 %"], brier: ["0.100", "0.250"], betterHits: true, betterBrier: true });
  expect(scoreOf({ ...score, n: 40, hit_rate: 0.5, brier: 0.3 })).toMatchObject({ betterHits: false, betterBrier: false });
  expect(scoreOf({ ...score, n: 40, hit_rate: null, base_brier: null })).toMatchObject({ hits: null, brier: ["0.100", "–"], betterBrier: false });
});

test("a stance and a confidence are read however they are written, and nothing is made of what is neither", () => {
  expect([stanceOf({ stance: "Bullish" }), stanceOf({ stance: "bearish" }), stanceOf({ stance: "<b>up" }), stanceOf({ stance: null })]).toEqual(["bullish", "bearish", null, null]);
  expect(["0.72", "1", "high", null].map((confidence) => confidenceOf({ confidence }))).toEqual(["72 %", "100 %", "high", ""]);
});

test("pages are joined with each note once, also where one ends amid the pairs of a moment", () => {
  const newer = [note("b2", 2), note("a2", 2), note("b1", 1)];
  const older = [note("b1", 1), note("a1", 1), note("b0", 0)];
  expect(joined(newer, older).map(({ id }) => id)).toEqual(["b2", "a2", "b1", "a1", "b0"]);
});

test("a newest page that does not reach what is held leaves no hole between them", () => {
  const held = [note("c", 3), note("b", 2), note("a", 1)];
  expect(refreshed([note("d", 4), note("c", 3)], held).map(({ id }) => id)).toEqual(["d", "c", "b", "a"]);
  expect(refreshed([note("z", 9), note("y", 8)], held).map(({ id }) => id)).toEqual(["z", "y"]);
});

test("keys choose notes and stop at the ends", () => {
  expect([noteOfKey("ArrowDown", -1, 5, 3), noteOfKey("ArrowUp", 0, 5, 3), noteOfKey("PageDown", 1, 5, 3), noteOfKey("End", 0, 5, 3)]).toEqual([0, 0, 4, 4]);
  expect([noteOfKey("Enter", 0, 5, 3), noteOfKey("ArrowDown", -1, 0, 3)]).toEqual([null, null]);
});

test("a model that is fetched says how it stands", () => {
  const pulling = { model: "llama3.2:1b", status: "pulling 74701a8c35f6", share: 0.379, ended: false, error: null };
  expect(pullingText(pulling)).toBe("37 % · llama3.2:1b: pulling 74701a8c35f6");
  expect(pullingText({ ...pulling, share: null })).toBe("llama3.2:1b: pulling 74701a8c35f6…");
  expect(pullingText({ ...pulling, status: "ready", ended: true })).toBe("llama3.2:1b: ready");
  expect(pullingText({ ...pulling, ended: true, error: "no such model" })).toBe("llama3.2:1b: no such model");
});
