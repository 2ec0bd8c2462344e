/**
 * As much SQL as the made-up lakehouse reads: `SELECT columns FROM table [WHERE column op value AND …] [ORDER BY column
 * [DESC]] [LIMIT n]`. Anything else is refused at its place; the window has the real one.
 */
export interface Select {
  /** Null is `*`. */
  columns: Word[] | null;
  table: Word;
  where: { column: Word; op: string; value: string }[];
  order: { column: Word; descending: boolean } | null;
  limit: number | null;
}

/** A piece of the text and where it begins. */
export interface Word {
  text: string;
  at: number;
}

export class Misread extends Error {
  constructor(
    message: string,
    readonly at: number,
    readonly code = "sql_syntax",
  ) {
    super(message);
  }
}

const WORDS = /--[^\n]*|'(?:[^']|'')*'|[A-Za-z_][\w.]*|\d+(?:\.\d+)?|[<>]=|<>|!=|\S/g;

export function readSelect(text: string): Select {
  const words: Word[] = [...text.matchAll(WORDS)].map((found) => ({ text: found[0], at: found.index })).filter((word) => !word.text.startsWith("--"));
  if (words.at(-1)?.text === ";") words.pop();
  let next = 0;
  const isNext = (keyword: string) => words[next]?.text.toUpperCase() === keyword;
  const taken = (keyword: string) => isNext(keyword) && ++next > 0;
  const end = text.trimEnd().length;
  const here = () => words[next]?.at ?? end;
  const need = (keyword: string) => {
    if (!taken(keyword)) throw unread(`${keyword} is expected here`);
  };
  const unread = (message: string) => {
    const found = words[next];
    if (!found) return new Misread(`The query ends where ${message.replace(" is expected here", "")} is expected.`, end);
    if (/^(as|join|inner|left|group|having|union|with|over|[-+*/(])$/i.test(found.text)) {
      return new Misread(`The made-up lakehouse of the browser reads plain columns of one table, without ${found.text.toUpperCase()}.`, found.at, "sql_browser");
    }
    return new Misread(`${message}, and not ${found.text}.`, found.at);
  };
  const name = (what: string): Word => {
    const word = words[next];
    if (!word || !/^[A-Za-z_]/.test(word.text)) throw unread(`${what} is expected here`);
    next += 1;
    return word;
  };

  if (words.length > 0 && !isNext("SELECT")) {
    throw new Misread("Only SELECT is allowed: the tiers are read and never written from here.", here(), isNext("WITH") ? "sql_browser" : "sql_read_only");
  }
  need("SELECT");
  let columns: Word[] | null = null;
  if (!taken("*")) {
    columns = [name("A column")];
    while (taken(",")) columns.push(name("A column"));
  }
  need("FROM");
  const table = name("A table");
  const where: Select["where"] = [];
  if (taken("WHERE")) {
    do {
      const column = name("A column");
      const op = words[next++]?.text ?? "";
      if (!["=", "<", ">", "<=", ">=", "<>", "!="].includes(op)) throw ((next -= 1), unread("A comparison is expected here"));
      const value = words[next];
      if (!value || !/^['\d]/.test(value.text)) throw unread("A value is expected here");
      next += 1;
      where.push({ column, op, value: value.text.replace(/^'|'$/g, "").replaceAll("''", "'") });
    } while (taken("AND"));
  }
  let order: Select["order"] = null;
  if (taken("ORDER")) {
    need("BY");
    const column = name("A column");
    order = { column, descending: taken("DESC") };
    if (!order.descending) taken("ASC");
  }
  let limit: number | null = null;
  if (taken("LIMIT")) {
    limit = Number(words[next]?.text);
    if (!Number.isInteger(limit)) throw unread("A number is expected here");
    next += 1;
  }
  if (next < words.length) throw unread("The end of the query is expected here");
  return { columns, table, where, order, limit };
}
