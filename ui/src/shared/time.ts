/** Times are UTC, always. */

/** `2024-01-01 14:07:31` */
export const formatSecond = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** `2024-01-01 14:07` */
export const formatMinute = (ms: number): string => formatSecond(ms).slice(0, 16);

const MONTH_NAMES = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** `February 2026` */
export function formatMonth(ms: number): string {
  const date = new Date(ms);
  return `${MONTH_NAMES[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** `42 s`, `7 min`, `3 h`, `2 d` */
export function formatAge(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** How far behind: tenths while they tell something, then as an age. Clocks that disagree do not make it negative. */
export const formatLag = (seconds: number): string => (seconds < 9.95 ? `${Math.max(0, seconds).toFixed(1)} s` : formatAge(seconds));

/** `0.4 ms`, `12 ms`, `1.42 s`, `2 min 05 s` */
export function formatTook(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
}

/**
 * What a trader types to jump: `14:07`, `14:07:31`, `01-03 14:07`, `2024-01-03`, `2024-01-03 14:07:31.5`. What is left out is
 * taken from `near`. Null when it is not a time.
 */
export function parseJump(text: string, near: number): number | null {
  const found = /^\s*(?:(?:(\d{4})-)?(\d{1,2})-(\d{1,2}))?(?:[\sT]*(\d{1,2}):(\d{2})(?::(\d{2})(\.\d{1,3})?)?)?\s*Z?\s*$/i.exec(text);
  if (!found) return null;
  const [, year, month, day, hour, minute, second, fraction] = found;
  if (day === undefined && hour === undefined) return null;
  const from = new Date(near);
  const parts = {
    year: year === undefined ? from.getUTCFullYear() : Number(year),
    month: month === undefined ? from.getUTCMonth() + 1 : Number(month),
    day: day === undefined ? from.getUTCDate() : Number(day),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
  };
  const ms = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) + Math.round(Number(fraction ?? 0) * 1000);
  const back = new Date(ms);
  const real = back.getUTCMonth() + 1 === parts.month && back.getUTCDate() === parts.day && parts.hour < 24 && parts.minute < 60 && parts.second < 60;
  return real ? ms : null;
}
