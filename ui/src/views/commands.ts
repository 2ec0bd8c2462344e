/** Every command, once: the keyboard, the palette and the help overlay read this list. */
import { MONTHS, monthsLabel } from "../feeds/earlier";
import { settings } from "../feeds/settings.svelte";
import type { Desk } from "../host";
import type { Actions } from "./actions.svelte";

export interface Command {
  id: string;
  group: "Replay" | "Market" | "Trade" | "Signals" | "Desk" | "SQL";
  label: string;
  /** As `keyWord` says them; the first is the one shown. */
  keys: readonly string[];
  /** Only then. `past`: on a tape that can be moved. */
  when?: When;
  /** Also while a field is written in, which its key does not write. */
  everywhere?: boolean;
  run: () => void;
}

export type When = "live" | "past" | "seeking" | "laid";

export function commandsOf(actions: Actions, desk: Desk | null, pairs: readonly string[]): Command[] {
  const replay = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "Replay", label, keys, run, when: "past" });
  const tape = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "Replay", label, keys, run });
  const market = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "Market", label, keys, run });
  const sql = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "SQL", label, keys, run });
  const trade = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "Trade", label, keys, run });
  const signal = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "Signals", label, keys, run });
  const own = (id: string, label: string, keys: string[], run: () => void): Command => ({ id, group: "Desk", label, keys, run });
  return [
    replay("play", "Play or pause", ["Space"], () => actions.playOrPause()),
    replay("tick-back", "Step a tick back", ["ArrowLeft"], () => actions.stepTick(true)),
    replay("tick-on", "Step a tick", ["ArrowRight"], () => actions.stepTick(false)),
    replay("bar-back", "Step a bar back", ["Shift+ArrowLeft"], () => actions.stepBar(true)),
    replay("bar-on", "Step a bar", ["Shift+ArrowRight"], () => actions.stepBar(false)),
    replay("slower", "Slower, or a bar back while paused", ["j"], () => actions.slowerOrBack()),
    replay("pause", "Pause", ["k"], () => actions.pause()),
    replay("faster", "Play, or faster while playing", ["l"], () => actions.playOrFaster()),
    replay("start", "To the start of the tape", ["Home"], () => actions.toStart()),
    replay("end", "To the end of the tape", ["End"], () => actions.toEnd()),
    replay("fill-back", "To the previous fill", [","], () => actions.stepFill(true)),
    replay("fill-on", "To the next fill", ["."], () => actions.stepFill(false)),
    tape("gap-back", "To the previous gap", ["<"], () => void actions.stepGap(true)),
    tape("gap-on", "To the next gap", [">"], () => void actions.stepGap(false)),
    tape("note-back", "To the previous note", [";"], () => void actions.stepNote(true)),
    tape("note-on", "To the next note", ["'"], () => void actions.stepNote(false)),
    replay("loop", "Loop the marked range, or no longer", ["o"], () => actions.switchLoop()),
    { ...replay("cancel-seek", "Cancel the reading of the tape", ["Escape"], () => actions.cancelSeek()), when: "seeking" },
    tape("replay-bar", "Replay from the candle under the pointer", ["r"], () => actions.replayHovered()),
    tape("jump", "Jump to a time…", ["g"], () => (actions.overlay = "jump")),
    tape("zoom-in", "Timeline: closer", ["+", "="], () => actions.zoomTimeline(0.5)),
    tape("zoom-out", "Timeline: farther", ["-"], () => actions.zoomTimeline(2)),
    tape("zoom-usual", "Timeline: the usual view", ["0"], () => actions.showUsualTimeline()),
    replay("peek", actions.peek ? "Timeline: no longer peek ahead" : "Timeline: peek at the volume ahead", ["e"], () => actions.switchPeek()),
    ...(desk?.speeds ?? []).map((times) => replay(`speed-${times}`, `Speed ${times}×`, [], () => actions.speed(times))),
    replay("speed-max", "Speed max", [], () => actions.speed(null)),
    own("deck", actions.movable ? "Back to live" : "Play the sample", ["b"], () => actions.switchDeck()),
    { ...tape("back-to-replay", "Back to the last replay", [], () => actions.backToReplay()), when: "live" },
    ...pairs.map((pair, index) => market(`pair-${pair}`, `Watch ${pair}`, index < 9 ? [String(index + 1)] : [], () => actions.choosePair(pair))),
    market("interval-shorter", "Shorter interval", ["["], () => actions.nextInterval(-1)),
    market("interval-longer", "Longer interval", ["]"], () => actions.nextInterval(1)),
    ...(desk?.intervals ?? []).map((interval) => market(`interval-${interval}`, `Interval ${interval}`, [], () => actions.chooseInterval(interval))),
    ...(desk?.earlier_history ? MONTHS : []).map((months) => ({ ...market(`earlier-${months}`, `Load ${monthsLabel(months)} of earlier history`, [], () => actions.loadEarlier(months)), when: "live" as const })),
    trade("ticket", "Write an order", ["t"], () => actions.writeOrder()),
    { ...trade("halt", "Halt, reduce or flatten…", ["Ctrl+Shift+h"], () => (actions.overlay = "risk")), everywhere: true },
    trade("cancel-all", "Cancel all open orders", [], () => void actions.cancelAll()),
    trade("trades", "Trades: every fill", ["x"], () => actions.openTab("trades")),
    trade("sessions", "Sessions: the accounts of this tape", ["y"], () => actions.openTab("sessions")),
    { ...trade("compare", "Compare two sessions: once on each", ["c"], () => actions.pickSessions()), when: "past" },
    trade("ledger", "Ledger: every transfer", ["m"], () => actions.openTab("ledger")),
    trade("cash", "Deposit or withdraw…", [], () => (actions.overlay = "cash")),
    trade("sounds", settings.sounds ? "No sound for fills" : "A sound for each fill", [], () => actions.switchSounds()),
    signal("patterns", "Patterns: hours like this one", ["s"], () => actions.pickSignal("patterns")),
    signal("patterns-across", actions.alike.across ? "Hours of this pair alone" : "Hours of all pairs too", [], () => actions.alike.switchAcross()),
    signal("patterns-marks", settings.matches ? "No matches marked on the chart" : "Matches marked on the chart", [], () => actions.switchMatches()),
    { ...signal("match-away", "Take the match off the chart", ["Escape"], () => actions.alike.takeAway()), when: "laid" },
    signal("analyst", "Analyst: notes and their facts", ["a"], () => actions.pickSignal("analyst")),
    signal("notes-marks", settings.notes ? "No notes marked on the chart" : "Notes marked on the chart", [], () => actions.switchNotes()),
    signal("ask", "Ask the analyst now", ["n"], () => actions.askAnalyst()),
    signal("models", "The analyst's model…", [], () => (actions.overlay = "models")),
    sql("sql", "Write a query", ["q"], () => actions.writeQuery()),
    { ...sql("sql-run", "Run the query, or its selected part", ["Ctrl+Enter"], () => actions.runQuery()), everywhere: true },
    sql("sql-cancel", "Cancel the query", [], () => actions.cancelQuery()),
    sql("sql-history", "Queries of before…", ["h"], () => actions.showQueries()),
    sql("sql-csv", "Export the result as CSV", [], () => actions.exportResult("csv")),
    sql("sql-parquet", "Export the result as Parquet", [], () => actions.exportResult("parquet")),
    own("pipeline", "Pipeline: every stage and count", ["p"], () => actions.openTab("pipeline")),
    { ...own("dock", "Show or hide the tabs below the deck", ["Ctrl+j", "Ctrl+`"], () => actions.switchDock()), everywhere: true },
    { ...own("palette", "All commands…", ["Ctrl+k"], () => (actions.overlay = "palette")), everywhere: true },
    own("theme", "Light or dark", ["d"], () => actions.switchTheme()),
    own("feed", "Feed and tape, or the order ticket", ["f"], () => actions.switchFeed()),
    own("side", "Show or hide the right column", ["\\"], () => actions.switchSide()),
    own("help", "Keys and about", ["?"], () => (actions.overlay = "help")),
  ];
}

export interface Now {
  movable: boolean;
  seeking: boolean;
  /** A match lies over the chart. */
  laid: boolean;
}

export function isUsable({ when }: Command, { movable, seeking, laid }: Now): boolean {
  if (when === undefined) return true;
  return { live: !movable, past: movable, seeking, laid }[when];
}

/** The command of a key, if it can be used now. */
export function commandOfKey(commands: readonly Command[], word: string, now: Now): Command | undefined {
  return commands.find((command) => command.keys.includes(word) && isUsable(command, now));
}
