import { expect, test } from "vitest";
import { fitHeight, heightOfKey, LEAST_HEIGHT, mostHeight, USUAL_HEIGHT } from "./split";

test.each([
  ["as asked", 300, 700, 300],
  ["the chart keeps its least", 900, 700, 550],
  ["the dock keeps its least", 10, 700, LEAST_HEIGHT],
  ["a window too small for both", 300, 200, LEAST_HEIGHT],
  ["a drag between two pixels", 300.6, 700, 301],
  ["a damaged setting", Number.NaN, 700, USUAL_HEIGHT],
])("%s", (_, height, room, fitted) => expect(fitHeight(height, room)).toBe(fitted));

test("keys move the handle as a hand would, and no further", () => {
  const press = (height: number, ...words: string[]) => words.reduce((held, word) => heightOfKey(word, held, 700)!, height);
  expect(press(300, "ArrowUp", "ArrowUp", "ArrowDown")).toBe(316);
  expect(press(300, "PageUp")).toBe(380);
  expect(press(300, "End", "ArrowUp")).toBe(mostHeight(700));
  expect(press(300, "Home", "ArrowDown")).toBe(LEAST_HEIGHT);
  expect(heightOfKey("j", 300, 700)).toBeNull();
});
