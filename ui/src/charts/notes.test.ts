import { expect, test } from "vitest";
import type { NoteRow } from "../host";
import type { PlotBar } from "./bars";
import { boxLeft, markAt, noteMarks, toldOf } from "./notes";

const MINUTE = 60_000;
const bar = (minute: number) => ({ timeMs: minute * MINUTE }) as PlotBar;
const note = (minute: number) => ({ id: `n${minute}`, as_of_ms: minute * MINUTE }) as NoteRow;
const bars = Array.from({ length: 60 }, (_, minute) => bar(minute));
const ids = (marks: ReturnType<typeof noteMarks>) => marks.map(({ x, notes }) => [x, notes.map(({ id }) => id).join(" ")]);

test("a note stands where its minute ended, the oldest at the left", () => {
  expect(ids(noteMarks([note(40), note(35), note(5)], bars, 1_000, (logical) => logical * 10))).toEqual([[50, "n5"], [350, "n35"], [400, "n40"]]);
});

test("a note of a missing minute stands between the bars beside it", () => {
  const holed = bars.filter((_, minute) => minute < 10 || minute >= 20);
  expect(ids(noteMarks([note(15)], holed, 1_000, (logical) => logical * 10))[0]![0]).toBeCloseTo(95, 0);
});

test("notes that would cover each other are one mark, the newest first, and a chain of them is not one", () => {
  const marks = noteMarks([note(20), note(15), note(10), note(5)], bars, 1_000, (logical) => logical);
  expect(ids(marks)).toEqual([[10, "n10 n5"], [20, "n20 n15"]]);
});

test("what lies outside the bars or the view is not marked", () => {
  const xOf = (logical: number) => (logical - 20) * 10;
  expect(ids(noteMarks([note(300), note(61), note(60), note(30), note(19)], bars, 500, xOf))).toEqual([[100, "n30"], [400, "n60"]]);
  expect(noteMarks([note(-5)], bars, 500, () => 1)).toEqual([]);
  expect(noteMarks([note(5)], [], 500, () => 1)).toEqual([]);
  expect(noteMarks([note(5)], bars, 500, () => null)).toEqual([]);
});

test("the pointer is on the nearest mark, and on none away from their row", () => {
  const marks = noteMarks([note(40), note(30)], bars, 1_000, (logical) => logical);
  expect([markAt(marks, 30, 34, 30)?.x, markAt(marks, 30, 36, 33)?.x]).toEqual([30, 40]);
  expect([markAt(marks, 30, 40, 60), markAt(marks, 30, 60, 30), markAt([], 30, 0, 30)]).toEqual([null, null, null]);
});

test("a mark of many notes says how many it does not tell", () => {
  const notes = Array.from({ length: 7 }, (_, minute) => note(minute));
  expect([toldOf({ x: 0, notes }).told.length, toldOf({ x: 0, notes }).more, toldOf({ x: 0, notes: notes.slice(0, 2) }).more]).toEqual([4, 3, 0]);
});

test("what is told of a mark is not cut off at either side", () => {
  expect([boxLeft(100, 300, 1_000), boxLeft(900, 300, 1_000), boxLeft(100, 300, 320)]).toEqual([110, 590, 0]);
});
