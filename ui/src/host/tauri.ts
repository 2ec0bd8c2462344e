/** The only file, with the generated bindings, that imports Tauri. */
import { Channel, invoke } from "@tauri-apps/api/core";
import * as wire from "../bindings/bindings";
import { type Alike, type ComparisonView, type Frame, type Host, HostError, type Notes, type NoteView, type Pipeline, type SqlAnswer, type SqlExport } from "./host";

type Answer<T> = { status: "ok"; data: T } | { status: "error"; error: wire.ApiError | wire.SqlFailure };

async function settled<T>(answer: Promise<Answer<T>>): Promise<T> {
  const settled = await answer;
  if (settled.status === "error") throw new HostError(settled.error);
  return settled.data;
}

const isApiError = (thrown: unknown): thrown is wire.ApiError => typeof thrown === "object" && thrown !== null && "what" in thrown;

async function answer<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (thrown) {
    throw isApiError(thrown) ? new HostError(thrown) : thrown;
  }
}

/** Tauri answers bytes as an ArrayBuffer, or as an array of numbers where its own protocol is not available. */
async function bytes(command: string, args: Record<string, unknown> = {}): Promise<ArrayBuffer> {
  const bytes = await answer<ArrayBuffer | number[]>(command, args);
  return Array.isArray(bytes) ? Uint8Array.from(bytes).buffer : bytes;
}

export function openTauri(): Host {
  return {
    desk: () => settled(wire.commands.desk()),
    async openFrames(show) {
      const frames = new Channel<wire.Frame>();
      frames.onmessage = (frame) => show(frame as Frame);
      await settled(wire.commands.openFrames(frames));
    },
    // A page that can not say it drew gets no more frames, which is all there is to do about it.
    drawn: () => void Promise.resolve(wire.commands.drawn()).catch(() => {}),
    chooseDeck: async (deck) => void (await settled(wire.commands.chooseDeck(deck))),
    watch: async (watch) => void (await settled(wire.commands.watch(watch))),
    transport: async (command) => void (await settled(wire.commands.transport(command))),
    history: ({ pair, interval, beforeMs, limit }) => bytes("history", { pair, interval, beforeMs, limit }),
    replay: async (atMs) => void (await settled(wire.commands.replay(atMs))),
    session: (command) => settled(wire.commands.session(command)),
    compare: async (first, second) => void (await settled(wire.commands.compare(first, second))),
    cancelComparison: async () => void (await settled(wire.commands.cancelComparison())),
    comparison: async () => (await settled(wire.commands.comparison())) as ComparisonView,
    timeline: (range, peek) => bytes("timeline", { fromMs: range?.from_ms ?? null, toMs: range?.to_ms ?? null, peek }),
    backfill: async (pair, months) => void (await settled(wire.commands.backfill(pair, months))),
    cancelBackfill: async () => void (await settled(wire.commands.cancelBackfill())),
    sqlSchema: () => settled(wire.commands.sqlSchema()),
    sqlRun: async (request) => (await settled(wire.commands.sqlRun(request))) as SqlAnswer,
    sqlCancel: async () => void (await settled(wire.commands.sqlCancel())),
    sqlRows: (id, from, count) => settled(wire.commands.sqlRows(id, from, count)),
    sqlSort: async (id, column, descending) => void (await settled(wire.commands.sqlSort(id, column, descending))),
    sqlExport: async (id, format) => (await settled(wire.commands.sqlExport(id, format))) as SqlExport,
    pipeline: async () => (await settled(wire.commands.pipeline())) as Pipeline,
    trade: (request) => settled(wire.commands.trade(request)),
    alike: async (pair, across) => (await settled(wire.commands.alike(pair, across))) as Alike,
    notes: async (pair, beforeMs, limit) => (await settled(wire.commands.notes(pair, beforeMs, limit))) as Notes,
    note: async (id) => (await settled(wire.commands.note(id))) as NoteView,
    askAnalyst: (pair) => settled(wire.commands.askAnalyst(pair)),
    models: () => settled(wire.commands.models()),
    chooseModel: async (name) => void (await settled(wire.commands.chooseModel(name))),
    pullModel: async (name) => void (await settled(wire.commands.pullModel(name))),
    cancelPull: async () => void (await settled(wire.commands.cancelPull())),
  };
}
