import { describe, expect, test } from "vitest";
import { blockOf, HEADER, isWithin, moveSelection, type Selection, selectCell, selectRows, toTsv } from "./selection";

const bounds = { rows: 1_000, columns: 6, page: 20 };
const at = (row: number, column: number) => selectCell({ row, column });
const press = (selection: Selection, ...words: string[]) => words.reduce((held, word) => moveSelection(held, word, bounds)!, selection);

describe("keys move the cell", () => {
  test.each([
    ["ArrowDown", 6, 2],
    ["ArrowUp", 4, 2],
    ["ArrowLeft", 5, 1],
    ["ArrowRight", 5, 3],
    ["PageDown", 25, 2],
    ["PageUp", 0, 2],
    ["Home", 5, 0],
    ["End", 5, 5],
    ["Ctrl+Home", 0, 0],
    ["Ctrl+End", 999, 5],
    ["Ctrl+ArrowDown", 999, 2],
    ["Ctrl+ArrowUp", 0, 2],
  ])("%s", (word, row, column) => expect(press(at(5, 2), word)).toEqual(at(row, column)));

  test("and stop at every edge", () => {
    expect(press(at(999, 5), "ArrowDown", "ArrowRight", "PageDown")).toEqual(at(999, 5));
    expect(press(at(0, 0), "ArrowLeft")).toEqual(at(0, 0));
  });

  test("above the first row is the header, where sorting is", () => {
    expect(press(at(0, 3), "ArrowUp")).toEqual(at(HEADER, 3));
    expect(press(at(HEADER, 3), "ArrowUp", "ArrowRight")).toEqual(at(HEADER, 4));
    expect(press(at(HEADER, 3), "ArrowDown")).toEqual(at(0, 3));
    expect(blockOf(at(HEADER, 3))).toBeNull();
  });

  test("other keys stay with whoever wants them", () => {
    for (const word of ["j", "Space", "Ctrl+k", "Escape", "Tab"]) expect(moveSelection(at(5, 2), word, bounds)).toBeNull();
  });
});

test("Shift drags the head along, and the next plain key lets go", () => {
  const dragged = press(at(5, 2), "Shift+ArrowDown", "Shift+ArrowRight", "Shift+ArrowRight");
  expect(blockOf(dragged)).toEqual({ rows: { from: 5, to: 7 }, columns: { from: 2, to: 5 } });
  expect(blockOf(press(dragged, "Shift+ArrowLeft", "Shift+Home"))).toEqual({ rows: { from: 5, to: 7 }, columns: { from: 0, to: 3 } });
  expect(press(dragged, "ArrowDown")).toEqual(at(7, 4));
  expect(blockOf(press(at(2, 2), "Ctrl+Shift+End"))).toEqual({ rows: { from: 2, to: 1_000 }, columns: { from: 2, to: 6 } });
});

test("dragging never selects the header", () => expect(press(at(0, 3), "Shift+ArrowUp")).toEqual(at(0, 3)));

test("a row, and everything", () => {
  expect(blockOf(press(at(5, 2), "Shift+Space"))).toEqual({ rows: { from: 5, to: 6 }, columns: { from: 0, to: 6 } });
  expect(blockOf(press(at(5, 2), "Ctrl+a"))).toEqual({ rows: { from: 0, to: 1_000 }, columns: { from: 0, to: 6 } });
  const backwards = blockOf(selectRows(9, 4, bounds));
  expect(backwards).toEqual({ rows: { from: 4, to: 10 }, columns: { from: 0, to: 6 } });
  expect([isWithin(backwards, { row: 9, column: 5 }), isWithin(backwards, { row: 10, column: 5 }), isWithin(null, { row: 9, column: 5 })]).toEqual([true, false, false]);
});

test("what is copied pastes into a spreadsheet as it was", () => {
  const rows = [
    ["BTC-USD", "42318.57000000", null],
    ["a\tb", 'said "no"', "two\nlines"],
  ];
  expect(toTsv(rows, { from: 0, to: 3 })).toBe('BTC-USD\t42318.57000000\t\n"a\tb"\t"said ""no"""\t"two\nlines"');
  expect(toTsv(rows, { from: 1, to: 2 })).toBe('42318.57000000\n"said ""no"""');
});
