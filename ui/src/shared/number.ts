/** Numbers as text. Money arrives as decimal text and is shown from that text: it is never a float on the way. */

/** Decimals worth showing for a price of this size: BTC 2, LINK 3, DOGE 5, SHIB 8. */
export function priceDecimals(price: number): number {
  const size = Math.abs(price);
  if (!(size > 0) || size >= 100) return 2;
  if (size >= 1) return 3;
  if (size >= 0.01) return 5;
  return Math.min(8, 3 - Math.floor(Math.log10(size)));
}

const grouped = (digits: string) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

/** `42318.5` → `42,318.50`: grouped, at least the decimals of its size, and every digit beyond those that is not a last zero. */
export function formatPrice(text: string | null): string {
  if (text === null) return "–";
  const sign = text.startsWith("-") ? "−" : "";
  const [whole = "0", fraction = ""] = text.replace(/^[-+]/, "").split(".");
  const least = priceDecimals(Number(text));
  const kept = fraction.replace(/0+$/, "").padEnd(least, "0");
  return `${sign}${grouped(whole)}.${kept}`;
}

/** Money where the eye compares: cents, or four decimals of less than one. Rounded half away from zero, in digits. */
export function formatMoney(text: string | null, small: 2 | 4 = 4): string {
  if (text === null) return "–";
  const [whole = "0", fraction = ""] = text.replace(/^[-+]/, "").split(".");
  const decimals = Number(whole) === 0 && /[1-9]/.test(fraction) ? small : 2;
  const kept = BigInt(whole + fraction.slice(0, decimals).padEnd(decimals, "0")) + (Number(fraction[decimals] ?? 0) >= 5 ? 1n : 0n);
  const digits = String(kept).padStart(decimals + 1, "0");
  const sign = text.startsWith("-") && kept > 0n ? "−" : "";
  return `${sign}${grouped(digits.slice(0, -decimals))}.${digits.slice(-decimals)}`;
}

/** A gain or a loss in cents; a gain says so. */
export function formatGain(text: string | null): string {
  const shown = formatMoney(text, 2);
  return Number(text ?? 0) > 0 ? `+${shown}` : shown;
}

/** A float of the chart with fixed decimals. */
export function formatPlotPrice(price: number, decimals: number): string {
  const [whole = "0", fraction = ""] = Math.abs(price).toFixed(decimals).split(".");
  return `${price < 0 ? "−" : ""}${grouped(whole)}${fraction ? `.${fraction}` : ""}`;
}

/** Volume to about five digits: `18.42`, `9,412`, `1.24 M`. */
export function formatVolume(volume: number): string {
  if (volume >= 1e12) return `${(volume / 1e12).toFixed(2)} T`;
  if (volume >= 1e9) return `${(volume / 1e9).toFixed(2)} B`;
  if (volume >= 1e6) return `${(volume / 1e6).toFixed(2)} M`;
  if (volume >= 1000) return formatPlotPrice(volume, 0);
  return formatPlotPrice(volume, volume >= 1 || volume === 0 ? 2 : 4);
}

export const formatCount = (count: number): string => grouped(String(Math.round(count)));

/** Three digits and a decimal unit: `812 B`, `1.24 MB`, `12.4 GB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let [size, unit] = [bytes, 0];
  // 999.5 would be rounded to a fourth digit.
  while (size >= 999.5 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  const decimals = unit === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  return `${size.toFixed(decimals)} ${units[unit]}`;
}

/** Events a second: `0`, `3.2`, `12,004`, `1.24 M`. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 0.05) return "< 0.1";
  if (perSecond < 9.95) return perSecond.toFixed(1);
  return perSecond >= 1e6 ? formatVolume(perSecond) : formatCount(perSecond);
}

/** `-0.12` with the true minus sign, which is as wide as the plus. */
export const formatSigned = (text: string | null): string => (text === null ? "–" : text.replace("-", "−"));

export type Direction = "up" | "down" | "flat";

export function directionOf(signed: string | null): Direction {
  const value = Number(signed ?? 0);
  return value > 0 ? "up" : value < 0 ? "down" : "flat";
}

/** `BTC-USD` → `BTC`. */
export const baseOf = (pair: string): string => pair.split("-")[0] ?? pair;

/** A change in percent with its sign: `+0.42`, `−0.05`, `0.00`. */
export function formatPercent(percent: number, decimals = 2): string {
  const digits = Math.abs(percent).toFixed(decimals);
  if (Number(digits) === 0) return digits;
  return `${percent < 0 ? "−" : "+"}${digits}`;
}

/** 0.583 → `58 %` */
export const formatShare = (share: number): string => `${Math.round(share * 100)} %`;
