/** Queries to begin with, one for each tier; a click runs them. */
export const EXAMPLES = [
  {
    title: "The newest minutes of a pair",
    text: `SELECT window_start, open, high, low, close, volume, tick_count, quality
FROM warm.candles
WHERE pair = 'BTC-USD'
ORDER BY window_start DESC
LIMIT 1000`,
  },
  {
    title: "The last trades beside the close of their minute",
    text: `SELECT t.tape_time, t.pair, t.price, t.size, t.side, c.close, t.price - c.close AS off_close
FROM hot.ticks t
JOIN warm.candles c
  ON c.source = t.source AND c.pair = t.pair
  AND t.event_time >= c.window_start AND t.event_time < c.window_end
WHERE t.kind = 'trade'
ORDER BY t.tape_time DESC
LIMIT 1000`,
  },
  {
    title: "What was traded on each day of the archive",
    text: `SELECT date_trunc('day', event_time) AS day, pair, count(*) AS trades,
  sum(price * size) AS notional, min(price) AS low, max(price) AS high
FROM cold.ticks
WHERE kind = 'trade'
GROUP BY date_trunc('day', event_time), pair
ORDER BY day DESC, pair`,
  },
] as const;
