import { describe, expect, test } from "vitest";
import type { Span } from "./timeline";
import { type Moment, nextView, pannedSpan, usualSpan, wantedSpan, wheelFactor, within, zoomedSpan } from "./timeline-view";

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const from = Date.UTC(2024, 0, 1);
const days = (begin: number, end: number): Span => ({ fromMs: from + begin * DAY, toMs: from + end * DAY });
const month = days(0, 30);

describe("what is shown when nobody zoomed", () => {
  test.each([
    ["live is its last day", month, 30, true, days(29, 30)],
    ["a sample of a day is whole", days(0, 1), 0.6, false, days(0, 1)],
    ["two days are whole", days(0, 2), 0.1, false, days(0, 2)],
    ["of a month the day around the cursor", month, 10, false, days(9.5, 10.5)],
    ["near the end of it the last day", month, 29.9, false, days(29, 30)],
  ])("%s", (_, tape, cursor, live, shown) => expect(usualSpan(tape, from + cursor * DAY, live)).toEqual(shown));
});

describe("zoom", () => {
  test("what is under the pointer stays under it", () => {
    const at = from + 10.25 * DAY;
    const span = zoomedSpan(days(10, 11), month, at, 0.5);
    expect(span).toEqual(days(10.125, 10.625));
    expect(zoomedSpan(span, month, at, 2)).toEqual(days(10, 11));
  });

  test("goes from everything to a minute, and no further", () => {
    let span = month;
    for (let turn = 0; turn < 200; turn++) span = zoomedSpan(span, month, from + 3 * DAY, wheelFactor(-100));
    expect(span.toMs - span.fromMs).toBeCloseTo(MINUTE, 3);
    for (let turn = 0; turn < 200; turn++) span = zoomedSpan(span, month, from + 3 * DAY, wheelFactor(100));
    expect(span).toEqual(month);
  });

  test("a tape shorter than a minute, and none at all, are shown as they are", () => {
    const short = { fromMs: from, toMs: from + 20_000 };
    expect(zoomedSpan(short, short, from + 9_000, 0.5)).toEqual(short);
    const none = { fromMs: 0, toMs: 0 };
    expect(zoomedSpan(none, none, 0, 0.5)).toEqual(none);
  });
});

test("a pan ends at the ends of the tape, with the same length", () => {
  expect(pannedSpan(days(10, 11), month, 2 * DAY)).toEqual(days(12, 13));
  expect(pannedSpan(days(10, 11), month, 99 * DAY)).toEqual(days(29, 30));
  expect(pannedSpan(days(10, 11), month, -99 * DAY)).toEqual(days(0, 1));
  expect(within(days(-4, 60), month)).toEqual(month);
});

describe("from frame to frame", () => {
  const at = (day: number, more: Partial<Moment> = {}): Moment => ({ tape: month, cursorMs: from + day * DAY, live: false, jumped: false, ...more });
  const zoomed = { span: days(10, 11), usual: false };

  test("a cursor in view moves and the view does not", () => expect(nextView(zoomed, at(10.2), at(10.3)).span).toEqual(days(10, 11)));

  test("one that plays out of it takes the view along, with the way it came from", () => {
    const { span } = nextView(zoomed, at(10.999), at(11.001));
    expect((from + 11.001 * DAY - span.fromMs) / (span.toMs - span.fromMs)).toBeCloseTo(0.25);
  });

  test("one that was not in view is left alone while it plays", () => expect(nextView(zoomed, at(4), at(4.1)).span).toEqual(days(10, 11)));

  test("a jump is always shown", () => expect(nextView(zoomed, at(4), at(20, { jumped: true })).span).toEqual(days(19.5, 20.5)));

  test("live stays at its edge, zoomed or not", () => {
    const later = at(30, { live: true, tape: days(0, 30.01), cursorMs: from + 30.01 * DAY });
    expect(nextView({ span: days(29, 30), usual: true }, at(30, { live: true }), later).span).toEqual(days(29.01, 30.01));
    const { span } = nextView({ span: days(29.5, 30), usual: false }, at(30, { live: true }), later);
    expect(span.toMs).toBe(from + 30.01 * DAY);
    expect(span.toMs - span.fromMs).toBeCloseTo(DAY / 2, 3);
  });

  test("a day of a long tape does not slide under the cursor", () => {
    const view = nextView(null, null, at(10));
    expect(nextView(view, at(10), at(10.2)).span).toEqual(days(9.5, 10.5));
  });
});

describe("what is asked for", () => {
  const overview = { span: month, bucketMs: HOUR };

  test("nothing while what is held is fine enough", () => {
    expect(wantedSpan(days(5, 25), month, [overview])).toBeNull();
    expect(wantedSpan(days(0.5, 0.51), days(0, 1), [{ span: days(0, 1), bucketMs: MINUTE }])).toBeNull();
  });

  test("the view with half of it on either side, and not beyond the tape", () => {
    expect(wantedSpan(days(10, 11), month, [overview])).toEqual(days(9.5, 11.5));
    expect(wantedSpan(days(29, 30), month, [overview])).toEqual(days(28.5, 30));
  });

  test("not again for what was just answered, nor while the view moves inside it", () => {
    const detail = { span: days(9.5, 11.5), bucketMs: MINUTE };
    for (const view of [days(10, 11), days(9.6, 10.6), days(10.4, 10.5)]) expect(wantedSpan(view, month, [overview, detail])).toBeNull();
    expect(wantedSpan(days(11, 12), month, [overview, detail])).toEqual(days(10.5, 12.5));
  });

  test("closer, for coarse bars", () => {
    const detail = { span: days(0, 20), bucketMs: 15 * MINUTE };
    expect(wantedSpan(days(1, 2), month, [overview, detail])).toEqual(days(0.5, 2.5));
  });
});
