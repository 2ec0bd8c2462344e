/** The query editor: CodeMirror, dressed for the desk. What it is told about a query comes from `place.ts` and `names.ts`. */
import { acceptCompletion, autocompletion, type CompletionContext, type CompletionResult, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import { bracketMatching } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, Prec } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLineGutter, keymap, lineNumbers, placeholder } from "@codemirror/view";
import type { SqlTable } from "../host";
import { tiersDialect } from "./dialect";
import { columnsInReach, schemaTree } from "./names";
import { rangeOfPlace } from "./place";
import { editorTheme } from "./theme";

export interface EditorEvents {
  changed(text: string): void;
  run(): void;
  /** Ctrl ↑ is 1: an older query, if there is one. */
  step(by: 1 | -1): string | null;
  /** Escape, when the editor itself has no use for it. */
  leave(): void;
  blurred(): void;
}

export class SqlEditor {
  #view: EditorView;
  #schema = new Compartment();
  #marked: { from: number; to: number } | null = null;

  constructor(parent: HTMLElement, text: string, tables: readonly SqlTable[], events: EditorEvents) {
    const stepBy = (by: 1 | -1) => () => {
      const stepped = events.step(by);
      if (stepped !== null) this.replace(stepped);
      return true;
    };
    this.#view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.highest(
            keymap.of([
              { key: "Mod-Enter", run: (view) => (closeCompletion(view), events.run(), true) },
              { key: "Mod-ArrowUp", run: stepBy(1) },
              { key: "Mod-ArrowDown", run: stepBy(-1) },
            ]),
          ),
          lintGutter(),
          lineNumbers(),
          highlightActiveLineGutter(),
          history(),
          drawSelection(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          placeholder("SELECT … FROM …"),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "Query", spellcheck: "false", "data-testid": "sql-text" }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            events.changed(update.state.doc.toString());
            // A mark in a word that was edited says what is no longer there; elsewhere it moves with its word.
            const marked = this.#marked;
            if (!marked) return;
            if (update.changes.touchesRange(marked.from, marked.to)) this.mark(null, "");
            else this.#marked = { from: update.changes.mapPos(marked.from), to: update.changes.mapPos(marked.to) };
          }),
          EditorView.domEventHandlers({ blur: () => events.blurred() }),
          this.#schema.of(this.#language(tables)),
          // Tab leaves the editor, as from any field, unless it takes what is offered.
          keymap.of([
            { key: "Tab", run: acceptCompletion },
            ...completionKeymap,
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            { key: "Escape", run: () => (events.leave(), true) },
          ]),
          editorTheme,
        ],
      }),
    });
  }

  #language(tables: readonly SqlTable[]) {
    const columns = (context: CompletionContext): CompletionResult | null => {
      const word = context.matchBefore(/\w*/);
      const before = word && context.state.sliceDoc(Math.max(0, word.from - 1), word.from);
      if (!word || before === "." || (word.from === word.to && !context.explicit)) return null;
      const offers = columnsInReach(context.state.doc.toString(), tables);
      return { from: word.from, options: offers.map(({ name, detail }) => ({ label: name, detail, type: "property", boost: 10 })), validFor: /^\w*$/ };
    };
    const language = sql({ dialect: tiersDialect, schema: schemaTree(tables), upperCaseKeywords: true });
    return [language, tiersDialect.language.data.of({ autocomplete: columns })];
  }

  /** The selected part, or all of it, and what stands before it. */
  query(): { text: string; before: string } {
    const { from, to, empty } = this.#view.state.selection.main;
    if (empty) return { text: this.text(), before: "" };
    return { text: this.#view.state.sliceDoc(from, to), before: this.#view.state.sliceDoc(0, from) };
  }

  text(): string {
    return this.#view.state.doc.toString();
  }

  replace(text: string) {
    const { state } = this.#view;
    this.#view.dispatch({ changes: { from: 0, to: state.doc.length, insert: text }, selection: { anchor: text.length }, scrollIntoView: true });
  }

  learn(tables: readonly SqlTable[]) {
    this.#view.dispatch({ effects: this.#schema.reconfigure(this.#language(tables)) });
  }

  /** Underlines a place of a query that was run; null takes the mark away. */
  mark(place: { line: number; column: number; text: string; before: string } | null, message: string) {
    const diagnostics: Diagnostic[] = [];
    this.#marked = null;
    // What was run may not stand there any more.
    if (place && this.text().startsWith(place.before + place.text)) {
      const base = place.before.length;
      const range = rangeOfPlace(place.text, place.line, place.column);
      this.#marked = { from: base + range.from, to: base + range.to };
      diagnostics.push({ ...this.#marked, severity: "error", message });
    }
    this.#view.dispatch(setDiagnostics(this.#view.state, diagnostics));
  }

  /** Puts the caret at the mark, if there is one. */
  focus(atMark = false) {
    if (atMark && this.#marked) this.#view.dispatch({ selection: { anchor: this.#marked.from }, scrollIntoView: true });
    this.#view.focus();
  }

  destroy() {
    this.#view.destroy();
  }
}
