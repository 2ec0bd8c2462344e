import { expect, test } from "vitest";
import type { NoteRow } from "../host";
import { spoken } from "./note-marks";

const note = (as_of_ms: number, refused = false) => ({ id: String(as_of_ms), as_of_ms, refused: refused ? { code: "number", sentence: "" } : null }) as NoteRow;

test("a refused note is not marked", () => {
  expect(spoken([note(3, true), note(2)]).map(({ as_of_ms }) => as_of_ms)).toEqual([2]);
});
