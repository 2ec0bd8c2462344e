import { expect, test } from "vitest";
import { type Comparing, type ComparisonView, HostError, type SessionRow } from "../host";
import { ComparisonFeed } from "./comparison.svelte";

const session = (number: number, left: number | null = null) => ({ number, id: `000${number}`, name: `Session ${number}`, left, orders: 1, reached_at: "2024-01-01 12:00:00.000", equity: "100000" }) as SessionRow;
const rows = [session(0), session(1, 0), session(2, 0)];
const comparing = (run: number, state: Comparing["state"], more: Partial<Comparing> = {}): Comparing => ({ run, first: 0, second: 1, state, share: 0.5, failure: null, ...more });
const broken = () => new HostError({ code: "tape_damaged", what: "A block fails its checksum.", kept: "All.", do: "Verify." });

/** A core that answers the runs it is given. */
function bench({ refuses = false, unreadable = false } = {}) {
  const asked: string[] = [];
  let finished = 0;
  const feed = new ComparisonFeed({
    async compare(first, second) {
      asked.push(`compare ${first} ${second}`);
      if (refuses) throw broken();
    },
    cancelComparison: async () => void asked.push("cancel"),
    async comparison() {
      asked.push("read");
      if (unreadable) throw broken();
      return { run: finished } as ComparisonView;
    },
  });
  const frame = (state: Comparing | null) => {
    if (state?.state === "done") finished = state.run;
    feed.frame({ deck: "sample", comparing: state });
    return new Promise((settled) => setTimeout(settled));
  };
  return { feed, frame, asked };
}

test("two picks compare them, and one result is read once however many frames tell of it", async () => {
  const { feed, frame, asked } = bench();
  await frame(null);
  feed.pick(rows, rows[0]!);
  expect([feed.picked, feed.open]).toEqual([0, false]);
  feed.pick(rows, rows[1]!);
  expect([feed.picked, feed.open, feed.standing]).toEqual([null, true, { kind: "running", share: 0, cancelling: false }]);
  await frame(comparing(1, "running"));
  expect(feed.standing).toMatchObject({ kind: "running", share: 0.5 });
  for (let each = 0; each < 3; each++) await frame(comparing(1, "done"));
  expect([feed.standing, feed.view?.run, asked]).toEqual([{ kind: "done" }, 1, ["compare 0 1", "read"]]);
});

test("a frame of the comparison before is not taken for this one", async () => {
  const { feed, frame } = bench();
  await frame(comparing(4, "done"));
  void feed.compare(rows[0]!, rows[1]!);
  await frame(comparing(4, "done"));
  expect([feed.standing?.kind, feed.view]).toEqual(["running", null]);
  await frame(comparing(5, "done", { first: 2 }));
  expect(feed.view).toBeNull();
  await frame(comparing(6, "done"));
  expect(feed.view?.run).toBe(6);
});

test("what could not be compared or read says so, and is not asked for with every frame", async () => {
  const refused = bench({ refuses: true });
  await refused.frame(null);
  await refused.feed.compare(rows[0]!, rows[1]!);
  expect(refused.feed.standing).toMatchObject({ kind: "failed", failure: { code: "tape_damaged" } });
  const { feed, frame, asked } = bench({ unreadable: true });
  await frame(null);
  void feed.compare(rows[0]!, rows[1]!);
  for (let each = 0; each < 3; each++) await frame(comparing(1, "done"));
  expect([feed.standing?.kind, asked.filter((each) => each === "read").length]).toEqual(["failed", 1]);
  feed.again(rows);
  await frame(comparing(2, "failed", { failure: { code: "tape_damaged", what: "", kept: "", do: "" } }));
  expect(feed.standing?.kind).toBe("failed");
});

test("a result stands while its pair is run again, and says what it is of until that is done", async () => {
  const { feed, frame, asked } = bench();
  await frame(null);
  void feed.compare(rows[0]!, rows[1]!);
  await frame(comparing(1, "done"));
  const later = [rows[0]!, { ...rows[1]!, orders: 2 }];
  expect([feed.changed(rows), feed.changed(later)]).toEqual([null, "“Session 1” was traded on since."]);
  feed.again(later);
  await frame(comparing(2, "running"));
  expect([feed.view?.run, feed.changed(later)]).toEqual([1, "“Session 1” was traded on since."]);
  await feed.cancel();
  expect(feed.standing).toMatchObject({ cancelling: true });
  await frame(comparing(2, "cancelled"));
  expect([feed.standing?.kind, feed.view?.run, feed.changed(later)]).toEqual(["cancelled", 1, "“Session 1” was traded on since."]);
  feed.again(later);
  await frame(comparing(3, "done"));
  expect([feed.view?.run, feed.changed(later), asked.filter((each) => each.startsWith("compare")).length]).toEqual([3, null, 3]);
});

test("another pair shows nothing of the one before", async () => {
  const { feed, frame } = bench();
  await frame(null);
  void feed.compare(rows[0]!, rows[1]!);
  await frame(comparing(1, "done"));
  void feed.compare(rows[0]!, rows[2]!);
  expect([feed.view, feed.standing?.kind]).toEqual([null, "running"]);
});

test("nothing of one tape is shown on another, and it is there again on its own", async () => {
  const { feed, frame } = bench();
  await frame(null);
  void feed.compare(rows[0]!, rows[1]!);
  await frame(comparing(1, "done"));
  feed.pick(rows, rows[2]!);
  feed.frame({ deck: "replay", comparing: comparing(1, "done") });
  expect([feed.pair, feed.view, feed.standing, feed.open, feed.picked]).toEqual([null, null, null, false, null]);
  feed.frame({ deck: "sample", comparing: comparing(1, "done") });
  expect(feed.view?.run).toBe(1);
});

test("a session that was deleted can not be compared again", async () => {
  const { feed, frame, asked } = bench();
  await frame(null);
  void feed.compare(rows[0]!, rows[1]!);
  await frame(comparing(1, "done"));
  expect([feed.canAgain(rows), feed.canAgain([rows[0]!])]).toEqual([true, false]);
  feed.again([rows[0]!]);
  expect(asked.filter((each) => each.startsWith("compare")).length).toBe(1);
});
