import { expect, test } from "vitest";
import type { Compared, ComparisonView, Difference, SessionRow } from "../host";
import { changedSince, differencesOf, figuresOf, foundAgain, pick, verdictOf, whatOf, whenOf } from "./comparison";

const session = (number: number, left: number | null, more: Partial<SessionRow> = {}): SessionRow => ({
  number, id: `000${number}`, name: `Session ${number}`, left, left_at: null, orders: 2, reached_at: "2024-01-01 12:00:00.000", equity: "100000", archived: false, on_deck: false, ...more,
});
const rows = [session(0, null, { id: null }), session(1, 0), session(2, 9)];

const compared = (more: Partial<Compared> = {}): Compared => ({ name: "One", equity: "100000", profit: "0", fees: "1", fills: 3, drawdown_pct: 1.5, ledger_hash: "ab".repeat(32), ...more });
const figure = (name: string, first: Partial<Compared>, second: Partial<Compared>) => figuresOf({ first: compared(first), second: compared(second) }).find((each) => each.name === name)!;

test("the second that is picked is the second of the pair", () => {
  expect(pick(rows, null, rows[2]!)).toEqual({ kind: "first", number: 2 });
  expect(pick(rows, 2, rows[0]!)).toEqual({ kind: "pair", first: rows[2], second: rows[0] });
});

test("the same one twice is compared with the session it left, which goes first", () => {
  expect(pick(rows, 1, rows[1]!)).toEqual({ kind: "pair", first: rows[0], second: rows[1] });
  // What it left is gone; and the account of the tape left none.
  expect(pick(rows, 2, rows[2]!)).toEqual({ kind: "none" });
  expect(pick(rows, 0, rows[0]!)).toEqual({ kind: "none" });
});

test("a pick of a session that is gone is no pick", () => {
  expect(pick(rows, 7, rows[1]!)).toEqual({ kind: "first", number: 1 });
});

test("a session is found again by its id, whatever its number has become", () => {
  const later = [session(0, null, { id: null }), session(1, 0, { id: "0002" })];
  expect(foundAgain(later, rows[2]!)).toBe(later[1]);
  expect(foundAgain(later, rows[1]!)).toBeNull();
  expect(foundAgain(later, rows[0]!)).toBe(later[0]);
});

test.each<[string, SessionRow[] | null, string | null]>([
  ["nothing", rows, null],
  ["a list that is not there yet", null, null],
  ["another name", [rows[0]!, { ...rows[1]!, name: "Breakout", archived: true, on_deck: true }], null],
  ["an order", [rows[0]!, { ...rows[1]!, orders: 3 }], "“Session 1” was traded on since."],
  ["a deposit", [rows[0]!, { ...rows[1]!, equity: "100001" }], "“Session 1” has gone on since."],
  ["played farther", [{ ...rows[0]!, reached_at: "2024-01-01 12:00:01.000" }, rows[1]!], "“Session 0” has gone on since."],
  ["deleted", [rows[0]!], "“Session 1” was deleted since."],
])("%s makes a comparison one of before, or not", (_, now, said) => expect(changedSince(rows.slice(0, 2), now)).toBe(said));

test("the difference of sums is exact, where floats lose the cents", () => {
  expect(figure("Equity", { equity: "900719925474.10000001" }, { equity: "900719925474.11500001" })).toMatchObject({
    values: [{ text: "900,719,925,474.10", whole: "900,719,925,474.10000001" }, { text: "900,719,925,474.12" }],
    difference: "+0.02",
    direction: "up",
  });
  expect(figure("Equity", { equity: "9007199254740992.25" }, { equity: "9007199254740993.75" }).difference).toBe("+1.50");
  expect(figure("Profit", { profit: "10" }, { profit: "-5.5" })).toMatchObject({ values: [{ text: "+10.00" }, { text: "−5.50" }], difference: "−15.50", direction: "down" });
  expect(figure("Profit", { profit: "7" }, { profit: "7.00" }).difference).toBe("same");
});

test("more fees are more, and no gain", () => {
  expect(figure("Fees", { fees: "1" }, { fees: "2.5" })).toMatchObject({ difference: "+1.50", direction: "flat" });
});

test("fills, the worst fall and the ledger are told apart too", () => {
  expect([figure("Fills", {}, { fills: 1_203 }).difference, figure("Fills", { fills: 9 }, {}).difference]).toEqual(["+1,200", "−6"]);
  expect([figure("Worst fall", {}, { drawdown_pct: 0.25 }).difference, figure("Worst fall", { drawdown_pct: null }, {}).difference]).toEqual(["−1.25 %", "–"]);
  expect(figure("Worst fall", { drawdown_pct: null }, {}).values[0].text).toBe("–");
  expect(figure("Ledger", {}, { ledger_hash: "cd".repeat(32) })).toMatchObject({ values: [{ text: "abababab…", whole: "ab".repeat(32) }, { text: "cdcdcdcd…" }], difference: "differ" });
  expect(figure("Ledger", {}, {}).difference).toBe("same");
});

test("told the same and not come to the same is said, and not passed over", () => {
  const view = { parted: null, first: compared(), second: compared() } as ComparisonView;
  expect(verdictOf(view)).toBe("They were told the same and came to the same.");
  expect(verdictOf({ ...view, second: compared({ ledger_hash: "cd".repeat(32) }) })).toBe("They were told the same, and yet their ledgers differ.");
  expect(verdictOf({ ...view, parted: { at_ms: 1, text: "" } })).toBeNull();
});

const difference = (text: string, second: boolean, more: Partial<Difference> = {}): Difference => ({ at: { at_ms: Date.parse(`${text.replace(" ", "T")}Z`), text }, second, told: "cancel all orders", fill: null, ...more });
const told = difference("2024-01-01 12:00:00.000", false);
const filled = difference("2024-01-01 12:00:01.500", true, { told: null, fill: { side: "sell", quantity: "0.118", pair: "BTC-USD", fill_price: "42198.2", fee: "4.98" } as Difference["fill"] });

test("of one session only its own differences are listed", () => {
  const all = [told, filled];
  expect([differencesOf(all, "both"), differencesOf(all, "first"), differencesOf(all, "second")]).toEqual([all, [told], [filled]]);
});

test("a difference says what was told or what was filled", () => {
  expect([whatOf(told), whatOf(filled)]).toEqual(["cancel all orders", "sold 0.118 BTC-USD at 42,198.20, fee 4.98"]);
});

test("the day of a difference is said where there are several", () => {
  expect(whenOf([told, filled])(filled)).toBe("12:00:01.500");
  expect(whenOf([told, difference("2024-01-02 00:00:00.000", true)])(told)).toBe("2024-01-01 12:00:00.000");
});
