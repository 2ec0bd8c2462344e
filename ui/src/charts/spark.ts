/** Points of a polyline in a `width` × `height` box, inset by one so that no stroke is cut. */
export function sparkPoints(closes: readonly number[], width: number, height: number): string {
  if (closes.length < 2) return "";
  const low = Math.min(...closes);
  const reach = Math.max(...closes) - low;
  return closes
    .map((close, index) => {
      const x = (index / (closes.length - 1)) * width;
      const y = reach > 0 ? height - 1 - ((close - low) / reach) * (height - 2) : height / 2;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
