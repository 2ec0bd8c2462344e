/** From a line and a column, as the core counts them, to a stretch of the editor's text that can be underlined. */

export interface TextRange {
  from: number;
  to: number;
}

/** A name (with its dots, quotes and brackets), a string, a number, an operator: what one mistake is about. */
const TOKEN = /^(?:"[^"]*"?|'[^']*'?|[\p{L}_$][\p{L}\p{N}_$]*|\p{N}[\p{L}\p{N}_.]*|[<>=!|&+*/%-]+|\S)/u;

/**
 * Lines and columns count from one, columns in characters, which are not the editor's UTF-16 units. The stretch is never
 * empty where there is any text: at a line's end, where a parser says "unexpected end", it is the last word before it.
 */
export function rangeOfPlace(text: string, line: number, column: number): TextRange {
  const lines = text.split("\n");
  const row = Math.min(Math.max(1, line), lines.length) - 1;
  const start = lines.slice(0, row).reduce((sum, before) => sum + before.length + 1, 0);
  const within = [...lines[row]!].slice(0, Math.max(0, column - 1)).join("").length;
  const from = start + within;
  const found = TOKEN.exec(text.slice(from, start + lines[row]!.length));
  if (found) return { from, to: from + found[0].length };
  return lastWordBefore(text, from);
}

/** The place in the whole text, when what was run began after `before`. */
export function placeAfter(before: string, place: { line: number; column: number }): { line: number; column: number } {
  const lines = before.split("\n");
  const indent = place.line === 1 ? [...lines.at(-1)!].length : 0;
  return { line: place.line + lines.length - 1, column: place.column + indent };
}

function lastWordBefore(text: string, end: number): TextRange {
  const before = text.slice(0, end);
  const word = /(?:[\p{L}\p{N}_$.]+|\S)(?=\s*$)/u.exec(before);
  if (word) return { from: word.index, to: word.index + word[0].length };
  return { from: 0, to: Math.min(1, text.length) };
}
