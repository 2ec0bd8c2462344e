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

test("a seek that is asked for just as the last one lands is sent too", async () => {
  // The drain ends some microtasks after the last send has landed: at one of them nobody may be listening.
  for (let after = 0; after < 12; after++) {
    const sent: number[] = [];
    const seek = latestOnly(async (at: number) => void sent.push(at));
    void seek(1);
    for (let each = 0; each < after; each++) await Promise.resolve();
    void seek(2);
    await new Promise((resolve) => setTimeout(resolve));
    expect(sent, `${after} microtasks later`).toEqual([1, 2]);
  }
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
