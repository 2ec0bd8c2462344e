/** The editor in the desk's colours, which are CSS variables and so follow the theme by themselves. */
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--focus)" },
  { tag: [tags.typeName, tags.standard(tags.name)], color: "color-mix(in srgb, var(--focus) 45%, var(--text))" },
  { tag: [tags.string, tags.number, tags.bool, tags.null], color: "color-mix(in srgb, var(--live) 45%, var(--text))" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--dim)", fontStyle: "italic" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "12px", backgroundColor: "var(--panel)", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "18px" },
  ".cm-content": { padding: "6px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 12px 0 4px" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--dim)", border: "0" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "22px", padding: "0 4px 0 0" },
  ".cm-gutter-lint": { width: "14px" },
  ".cm-gutter-lint .cm-gutterElement": { padding: "3px 0 0 2px" },
  ".cm-lint-marker": { width: "11px", height: "11px" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLineGutter": { color: "var(--text)" },
  "& .cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground": { background: "color-mix(in srgb, var(--focus) 28%, transparent)" },
  "&.cm-focused .cm-matchingBracket, .cm-matchingBracket": { backgroundColor: "color-mix(in srgb, var(--focus) 22%, transparent)", outline: "none" },
  ".cm-placeholder": { color: "var(--dim)" },
  // Each by its long name: WebKit does not know the short one with a style in it.
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecorationLine: "underline",
    textDecorationStyle: "wavy",
    textDecorationColor: "var(--down)",
    textDecorationThickness: "1.5px",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
  },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line)", borderRadius: "var(--r)", boxShadow: "0 6px 20px #0004", zIndex: "10" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12px", maxHeight: "180px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "18px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "color-mix(in srgb, var(--focus) 24%, var(--raised))", color: "var(--text)" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--dim)", marginLeft: "10px" },
  "li[aria-selected] > .cm-completionDetail": { color: "var(--text)" },
  ".cm-tooltip-lint": { padding: "4px 0" },
  ".cm-diagnostic": { fontFamily: "var(--sans)", padding: "2px 10px", borderLeft: "2px solid var(--down)", maxWidth: "460px" },
});

export const editorTheme = [look, syntaxHighlighting(highlight)];
