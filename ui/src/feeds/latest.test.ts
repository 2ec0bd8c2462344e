import { expect, test } from "vitest";
import { latestOnly } from "./latest";

/** A send that lands when told to. */
function slowSend() {
  const sent: number[] = [];
  let land: (() => void) | null = null;
  let underWay = 0;
  let most = 0;
  const send = (value: number) =>
    new Promise<void>((resolve) => {
      sent.push(value);
      most = Math.max(most, ++underWay);
      land = () => {
        underWay--;
        resolve();
      };
    });
  const landed = async () => {
    land?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { send, sent, landed, most: () => most };
}

test("a drag ends where the hand let go, with one seek at a time", async () => {
  const { send, sent, landed, most } = slowSend();
  const seek = latestOnly(send);
  for (let at = 1; at <= 50; at++) void seek(at);
  await landed();
  void seek(60);
  void seek(61);
  await landed();
  await landed();
  await landed();
  expect(sent).toEqual([1, 50, 61]);
  expect(most()).toBe(1);
});

test("a seek that failed does not block the next", async () => {
  const sent: number[] = [];
  const seek = latestOnly(async (at: number) => {
    sent.push(at);
    if (at === 1) throw new Error("no");
  });
  await expect(seek(1)).rejects.toThrow("no");
  await seek(2);
  expect(sent).toEqual([1, 2]);
});
