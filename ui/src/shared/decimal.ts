/** Sums of decimal texts with up to eight decimals, exactly: money is never a float on the way. */

const UNITS = 8;

/** `1.5` → 150000000n; null when it is no decimal, or has more than eight decimals. */
export function unitsOf(text: string): bigint | null {
  const found = /^([-+]?)(\d*)(?:\.(\d*))?$/.exec(text.trim());
  const [, sign, whole = "", fraction = ""] = found ?? [];
  if (!found || (whole === "" && fraction === "")) return null;
  const digits = fraction.replace(/0+$/, "");
  if (digits.length > UNITS) return null;
  const units = BigInt((whole || "0") + digits.padEnd(UNITS, "0"));
  return sign === "-" ? -units : units;
}

/** 150000000n → `1.5` */
export function decimalOf(units: bigint): string {
  const digits = String(units < 0n ? -units : units).padStart(UNITS + 1, "0");
  const fraction = digits.slice(-UNITS).replace(/0+$/, "");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -UNITS)}${fraction ? `.${fraction}` : ""}`;
}

export const isPositive = (text: string): boolean => (unitsOf(text) ?? 0n) > 0n;
