import { expect, test } from "vitest";
import type { DecisionRow } from "../host";
import { evidence, heading, lines } from "./votes";

const decision: DecisionRow = {
  pair: "BTC-USD",
  minute: "2024-01-01T13:52:00Z",
  minute_ms: Date.parse("2024-01-01T13:52:00Z"),
  at: "2024-01-01T13:52:05Z",
  verdict: "entered",
  sentence: "It has bought.",
  order_id: "auto-1",
  blocked_by: null,
  patterns: { lean: "enter", why: "promising_past", sentence: "Hours like this one were followed by gains that pay for the trade." },
  analyst: { lean: "neither", why: "no_opinion", sentence: "The analyst has not spoken." },
  trend: { lean: "leave", why: "falling", sentence: "The fast average is below the slow one." },
  matches: { count: 20, similarity: "0.27", outcome_pct: "+0.410", best_pct: "+0.620", low_pct: "-0.120", high_pct: "+0.900", base_pct: "+0.030" },
  opinion: null,
  ask: "42318.58",
  mark: "42318.56",
  equity: "100000",
};

test("who looks at a decision sees what was decided, when, and by which votes", () => {
  expect(heading({ on: true, decision })).toBe("Why the desk bought at 13:52");
  expect(heading({ on: false, decision: { ...decision, verdict: "stay" } })).toBe("Votes at 13:52 (off now)");
  expect(heading({ on: true, decision: null })).toBe("Consensus");
  expect(lines(decision).map(({ who, lean, short }) => [who, lean, short])).toEqual([
    ["Pattern", "enter", "+0.41 % · n 20"],
    ["Analyst", "neither", "silent"],
    ["Trend", "leave", "falling"],
  ]);
  const opinion = { stance: "bullish", confidence: "0.7", age_s: 130, note: "ab" };
  expect(lines({ ...decision, opinion, matches: null }).map(({ short }) => short)).toEqual(["no match", "bullish · 2 m", "falling"]);
});

test("a mean does not stand without its interval and the base rate", () => {
  expect(evidence(decision)).toBe("Nearest 0.27. After an hour −0.12 to +0.90 %, best +0.62 %; any hour +0.03 %.");
  const few = { ...decision.matches!, low_pct: "-100.000", high_pct: "+100.000", base_pct: "-0.001" };
  expect(evidence({ ...decision, matches: few })).toBe("Nearest 0.27. Too few to say how sure, best +0.62 %; any hour 0.00 %.");
  expect(evidence({ ...decision, matches: null, blocked_by: { code: "stale_price", sentence: "The last price of this pair is too old." } })).toBe(
    "The last price of this pair is too old.",
  );
});
