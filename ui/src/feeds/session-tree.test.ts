import { expect, test } from "vitest";
import type { SessionRow } from "../host";
import { branches, hiddenCount } from "./session-tree";

const session = (number: number, left: number | null, more: Partial<SessionRow> = {}): SessionRow => ({
  number, id: `000${number}`, name: `Session ${number}`, left, left_at: null, orders: 0, reached_at: null, equity: null, archived: false, on_deck: false, ...more,
});
const drawn = (rows: SessionRow[], withArchived = false) => branches(rows, withArchived).map(({ row, depth }) => `${"·".repeat(depth)}${row.number}`);

test("forks are under what they left, in the order they were begun", () => {
  expect(drawn([session(0, null), session(1, 0), session(2, 0), session(3, 1), session(4, 2)])).toEqual(["0", "·1", "··3", "·2", "··4"]);
});

test("an archived one is hidden, and its forks are not lost with it", () => {
  const rows = [session(0, null), session(1, 0, { archived: true }), session(2, 1)];
  expect(drawn(rows)).toEqual(["0", "·2"]);
  expect(drawn(rows, true)).toEqual(["0", "·1", "··2"]);
  expect([branches(rows, false)[1]!.leftName, hiddenCount(rows)]).toEqual(["Session 1", 1]);
});

test("the one on the deck is never hidden", () => {
  const rows = [session(0, null), session(1, 0, { archived: true, on_deck: true })];
  expect([drawn(rows), hiddenCount(rows)]).toEqual([["0", "·1"], 0]);
});

test("a fork of a deleted session stands for itself, and none is shown twice", () => {
  expect(drawn([session(0, null), session(3, 2), session(4, 3), session(5, 5)])).toEqual(["0", "3", "·4", "5"]);
});
