import { expect, test } from "vitest";
import type { NoteRow } from "../host";
import { noteFrom, seenOf, spoken, withSeen } from "./note-marks";

const note = (as_of_ms: number, refused = false) => ({ id: String(as_of_ms), as_of_ms, refused: refused ? { code: "number", sentence: "" } : null }) as NoteRow;

test("a refused note is neither marked nor gone to", () => {
  expect(spoken([note(3, true), note(2)]).map(({ as_of_ms }) => as_of_ms)).toEqual([2]);
  expect(seenOf({ notes: [note(3, true), note(2)], more: false }, 5).timesMs).toEqual([2]);
});

test("next and previous leave out the note the tape stands at, and that of another author at the same moment", () => {
  const seen = seenOf({ notes: [note(30), note(20), note(20), note(10)], more: false }, 40);
  expect([noteFrom(seen, 20, true), noteFrom(seen, 20, false), noteFrom(seen, 25, true), noteFrom(seen, 30, false), noteFrom(seen, 10, true)]).toEqual([10, 30, 20, null, null]);
});

test("where not every note is known none is said to be the next", () => {
  const seen = seenOf({ notes: [note(30), note(20)], more: true }, 40);
  expect([seen.fromMs, noteFrom(seen, 19, false), noteFrom(seen, 41, true)]).toEqual([20, null, null]);
});

test("what was seen of later moments stays known where it touches, and is forgotten across a stretch nobody read", () => {
  const late = seenOf({ notes: [note(90), note(80)], more: true }, 100);
  const touching = withSeen(late, seenOf({ notes: [note(80), note(70)], more: true }, 85));
  expect([touching, noteFrom(touching, 70, false), noteFrom(touching, 80, false)]).toEqual([{ fromMs: 70, toMs: 100, timesMs: [70, 80, 90] }, 80, 90]);
  const apart = withSeen(late, seenOf({ notes: [note(10)], more: false }, 40));
  expect([apart.toMs, noteFrom(apart, 10, false)]).toEqual([40, null]);
  expect(withSeen(null, late)).toBe(late);
});
