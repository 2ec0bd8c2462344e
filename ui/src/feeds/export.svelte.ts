/** Writes a whole table to a file, by the one way out of the tiers: a query, and the export of its answer. */
import type { Host, SqlExport } from "../host";
import { failures } from "./failures.svelte";

export class TableExport {
  running = $state(false);
  wrote = $state.raw<SqlExport | null>(null);

  constructor(
    private readonly host: Pick<Host, "sqlRun" | "sqlExport">,
    private readonly query: string,
  ) {}

  async run() {
    if (this.running) return;
    this.running = true;
    this.wrote = null;
    try {
      const { id } = await this.host.sqlRun({ text: this.query, as_of_ms: null, snapshot: null });
      this.wrote = await this.host.sqlExport(id, "csv");
    } catch (thrown) {
      failures.add(thrown);
    }
    this.running = false;
  }
}
