import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HostError, type SessionCommand, type SessionRow } from "../host";
import { failures } from "./failures.svelte";
import { SessionsFeed, UNDO_MS } from "./sessions.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const row = (number: number) => ({ number, id: `000${number}`, name: `Session ${number}` }) as SessionRow;

function bench(answer: (command: SessionCommand) => string | null = () => null) {
  const asked: SessionCommand[] = [];
  const feed = new SessionsFeed({ session: async (command) => (asked.push(command), answer(command)) });
  return { feed, asked };
}

test("the last list stands until another comes, or another tape", () => {
  const { feed } = bench();
  feed.frame({ deck: "sample", sessions: [row(0)] });
  feed.frame({ deck: "sample", sessions: null });
  expect(feed.rows?.length).toBe(1);
  feed.frame({ deck: "replay", sessions: null });
  expect(feed.rows).toBeNull();
  feed.frame({ deck: "live", sessions: [] });
  expect(feed.rows).toEqual([]);
});

test("a deleted session can be brought back for ten seconds", async () => {
  const { feed, asked } = bench(({ action }) => (action === "delete" ? "0003" : null));
  await feed.delete(row(3));
  expect(feed.deleted).toEqual([{ id: "0003", name: "Session 3" }]);
  await vi.advanceTimersByTimeAsync(UNDO_MS - 1);
  await feed.bringBack("0003");
  expect([feed.deleted, asked.at(-1)]).toEqual([[], { action: "bring_back", id: "0003" }]);
  await feed.delete(row(3));
  await vi.advanceTimersByTimeAsync(UNDO_MS);
  expect(feed.deleted).toEqual([]);
});

test("a name that is taken is said, and undo stays where bringing back failed", async () => {
  const { feed } = bench(({ action }) => {
    if (action === "delete") return "0003";
    throw new HostError({ code: "session_name_taken", what: "There is a session of this name already.", kept: "", do: "" });
  });
  expect(await feed.rename(3, "Session 2")).toBe(false);
  expect(failures.shown.at(-1)?.code).toBe("session_name_taken");
  await feed.delete(row(3));
  await feed.bringBack("0003");
  expect(feed.deleted.length).toBe(1);
});

test("a second press while the first is under way does nothing", async () => {
  const { feed, asked } = bench();
  await Promise.all([feed.take(1, false), feed.take(2, false)]);
  expect(asked).toEqual([{ action: "take", number: 1, resume: false }]);
});
