-- What all three jobs read, and how they run. Each job is submitted with this file before it:
--
--   bin/sql-client.sh -i sources.sql -f lakehouse.sql
--
-- Messages are the JSON of DESIGN section 4. The first seven fields are in every message; the others are Tapedeck's own, and absent from what
-- another program published. A message that is not of this form stops the job, which says where: nothing is dropped in silence.

SET 'table.local-time-zone' = 'UTC';
SET 'execution.checkpointing.interval' = '30s';
SET 'execution.checkpointing.mode' = 'EXACTLY_ONCE';
-- A job that is cancelled keeps its last checkpoint, from which it is to go on.
SET 'execution.checkpointing.externalized-checkpoint-retention' = 'RETAIN_ON_CANCELLATION';
-- A partition whose pairs are idle does not hold up the others.
SET 'table.exec.source.idle-timeout' = '30s';

CREATE TEMPORARY TABLE prices (
  pair STRING,
  `sequence` BIGINT,
  price STRING,
  best_bid STRING,
  best_ask STRING,
  volume_24h STRING,
  `time` TIMESTAMP_LTZ(6),
  source STRING,
  seq BIGINT,
  trade_id BIGINT,
  size STRING,
  side STRING,
  arrival STRING,
  tape_time TIMESTAMP_LTZ(6),
  received_time TIMESTAMP_LTZ(6),
  tape_time_ns INT,
  event_time_ns INT,
  received_time_ns INT,
  -- Flink's event time has milliseconds.
  event_time AS CAST(`time` AS TIMESTAMP_LTZ(3)),
  arrived AS PROCTIME(),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'iggy',
  'host' = 'iggy',
  'stream' = 'crypto',
  'topic' = 'prices',
  'starting-offset' = 'earliest',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE quotes (
  pair STRING,
  `sequence` BIGINT,
  best_bid STRING,
  best_ask STRING,
  volume_24h STRING,
  `time` TIMESTAMP_LTZ(6),
  source STRING,
  seq BIGINT,
  bid_size STRING,
  ask_size STRING,
  open_24h STRING,
  tape_time TIMESTAMP_LTZ(6),
  received_time TIMESTAMP_LTZ(6),
  tape_time_ns INT,
  event_time_ns INT,
  received_time_ns INT,
  arrived AS PROCTIME()
) WITH (
  'connector' = 'iggy',
  'host' = 'iggy',
  'stream' = 'crypto',
  'topic' = 'quotes',
  'starting-offset' = 'earliest',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY TABLE orders (
  order_id STRING,
  pair STRING,
  side STRING,
  price STRING,
  quantity STRING,
  signal_similarity DOUBLE,
  signal_sentiment STRING,
  `time` TIMESTAMP_LTZ(6),
  arrived AS PROCTIME()
) WITH (
  'connector' = 'iggy',
  'host' = 'iggy',
  'stream' = 'crypto',
  'topic' = 'orders',
  'starting-offset' = 'earliest',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- A publisher that lost its connection sends again what was not acknowledged, so a print can come twice. The first one counts: by its trade id,
-- or by the venue's sequence where there is none. A day is remembered.
CREATE TEMPORARY VIEW prints AS
SELECT
  COALESCE(source, 'live') AS source,
  pair,
  COALESCE(`sequence`, 0) AS `sequence`,
  trade_id,
  CAST(price AS DECIMAL(20, 8)) AS price,
  CAST(size AS DECIMAL(20, 8)) AS size,
  LOWER(side) AS side,
  COALESCE(arrival, 'news') AS arrival,
  COALESCE(seq, 0) AS seq,
  `time`,
  COALESCE(tape_time, `time`) AS tape_time,
  COALESCE(received_time, `time`) AS received_time,
  COALESCE(tape_time_ns, 0) AS tape_time_ns,
  COALESCE(event_time_ns, 0) AS event_time_ns,
  COALESCE(received_time_ns, 0) AS received_time_ns,
  event_time
FROM (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY source, pair, CASE WHEN trade_id IS NULL THEN 's' || CAST(`sequence` AS STRING) ELSE 't' || CAST(trade_id AS STRING) END
      ORDER BY arrived
    ) AS copy
  FROM prices
)
WHERE copy = 1;

CREATE TEMPORARY VIEW shown AS
SELECT
  COALESCE(source, 'live') AS source,
  pair,
  COALESCE(`sequence`, 0) AS `sequence`,
  CAST(best_bid AS DECIMAL(20, 8)) AS best_bid,
  CAST(best_ask AS DECIMAL(20, 8)) AS best_ask,
  CAST(bid_size AS DECIMAL(20, 8)) AS bid_size,
  CAST(ask_size AS DECIMAL(20, 8)) AS ask_size,
  CAST(volume_24h AS DECIMAL(38, 8)) AS volume_24h,
  CAST(open_24h AS DECIMAL(20, 8)) AS open_24h,
  COALESCE(seq, 0) AS seq,
  `time`,
  COALESCE(tape_time, `time`) AS tape_time,
  COALESCE(received_time, `time`) AS received_time,
  COALESCE(tape_time_ns, 0) AS tape_time_ns,
  COALESCE(event_time_ns, 0) AS event_time_ns,
  COALESCE(received_time_ns, 0) AS received_time_ns
FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY source, pair, `sequence` ORDER BY arrived) AS copy
  FROM quotes
)
WHERE copy = 1;

-- Trades and quotes with the columns of market.ticks, in their order.
CREATE TEMPORARY VIEW ticks AS
SELECT
  seq,
  tape_time,
  'trade' AS kind,
  source,
  pair,
  `sequence`,
  trade_id,
  price,
  size,
  side,
  CAST(NULL AS DECIMAL(20, 8)) AS best_bid,
  CAST(NULL AS DECIMAL(20, 8)) AS best_ask,
  CAST(NULL AS DECIMAL(20, 8)) AS bid_size,
  CAST(NULL AS DECIMAL(20, 8)) AS ask_size,
  CAST(NULL AS DECIMAL(38, 8)) AS volume_24h,
  CAST(NULL AS DECIMAL(20, 8)) AS open_24h,
  `time` AS event_time,
  received_time,
  tape_time_ns,
  event_time_ns,
  received_time_ns,
  arrival
FROM prints
UNION ALL
SELECT
  seq,
  tape_time,
  'quote' AS kind,
  source,
  pair,
  `sequence`,
  CAST(NULL AS BIGINT) AS trade_id,
  CAST(NULL AS DECIMAL(20, 8)) AS price,
  CAST(NULL AS DECIMAL(20, 8)) AS size,
  CAST(NULL AS STRING) AS side,
  best_bid,
  best_ask,
  bid_size,
  ask_size,
  volume_24h,
  open_24h,
  `time` AS event_time,
  received_time,
  tape_time_ns,
  event_time_ns,
  received_time_ns,
  CAST(NULL AS STRING) AS arrival
FROM shown;
