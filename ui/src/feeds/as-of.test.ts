import { expect, test } from "vitest";
import { type AsOfChoice, asOfMs } from "./as-of";

const noon = Date.UTC(2024, 0, 1, 12);
const replay = { live: false, cursorMs: noon + 0.7 };
const live = { live: true, cursorMs: noon };

test.each<[string, AsOfChoice, string, typeof live, number | null | undefined]>([
  ["live reads all there is", "deck", "", live, null],
  ["a replay never reads past its cursor", "deck", "", replay, noon],
  ["unless it is asked to", "now", "", replay, null],
  ["a time of the deck's day", "time", "09:30", replay, Date.UTC(2024, 0, 1, 9, 30)],
  ["a time of another day", "time", "2023-12-31 09:30", live, Date.UTC(2023, 11, 31, 9, 30)],
  ["no time", "time", "soon", live, undefined],
  ["nothing typed yet", "time", "", live, undefined],
])("%s", (_, choice, typed, deck, at) => expect(asOfMs(choice, typed, deck)).toBe(at));
