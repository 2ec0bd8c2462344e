/** Where every frame went. Nothing is dropped in silence: the parts add up to the frames, or the desk says that they do not. */
export const COUNT_PARTS = [
  { key: "trades", name: "Trades", why: "Prints, each kept once" },
  { key: "quotes", name: "Quotes", why: "Best bid and ask" },
  { key: "control", name: "Control", why: "Heartbeats and subscriptions" },
  { key: "history", name: "History", why: "The venue's last trade of before, on subscribing" },
  { key: "ignored", name: "Ignored", why: "Messages of kinds not asked for" },
  { key: "duplicates", name: "Duplicates", why: "Seen before, not counted twice" },
  { key: "quarantined", name: "Quarantined", why: "Could not be read; kept as they came" },
] as const;

export type FrameCounts = Record<"frames" | (typeof COUNT_PARTS)[number]["key"], number>;

/** Frames that no part explains; negative when the parts say more than there were. */
export const unexplained = (counts: FrameCounts): number => counts.frames - COUNT_PARTS.reduce((sum, { key }) => sum + counts[key], 0);
