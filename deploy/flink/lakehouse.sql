-- The lakehouse: every tick to Iceberg, one-minute candles to Paimon. Exactly once from the topic on, by Flink's checkpoints.
--
-- Candles differ from those of a desk in three things. The watermark is that of a partition of the topic and not of each pair. A trade that
-- comes after it is in market.ticks and in no candle, where a desk would write the candle's next revision. Trades that are missing are seen
-- within a minute and not between two. A desk that is given these ticks makes the exact candles of them.

SET 'pipeline.name' = 'tapedeck lakehouse';
SET 'table.exec.state.ttl' = '1 d';

CREATE CATALOG warm WITH (
  'type' = 'paimon',
  'warehouse' = 's3://tapedeck/warm'
);

CREATE DATABASE IF NOT EXISTS warm.market;

CREATE TABLE IF NOT EXISTS warm.market.ohlcv_1m (
  source STRING,
  pair STRING,
  window_start TIMESTAMP_LTZ(6),
  window_end TIMESTAMP_LTZ(6),
  `open` DECIMAL(38, 8),
  high DECIMAL(38, 8),
  low DECIMAL(38, 8),
  `close` DECIMAL(38, 8),
  volume DECIMAL(38, 8),
  tick_count BIGINT,
  quality STRING,
  revision BIGINT,
  tape_time TIMESTAMP_LTZ(6),
  seq BIGINT,
  tape_time_ns INT,
  `day` DATE
) PARTITIONED BY (`day`) WITH (
  'file.format' = 'parquet',
  'file.compression' = 'zstd',
  'partition.legacy-name' = 'false'
);

-- market.ticks is made by iceberg/create_ticks.py: Flink's SQL has no words for a partition by the day of a time.
CREATE CATALOG cold WITH (
  'type' = 'iceberg',
  'catalog-type' = 'rest',
  'uri' = 'http://iceberg-rest:8181',
  'warehouse' = 's3://tapedeck/cold',
  'io-impl' = 'org.apache.iceberg.aws.s3.S3FileIO',
  's3.endpoint' = 'http://minio:9000',
  's3.path-style-access' = 'true'
);

-- Open and close are those of the first and the last print by (event time, trade id), whichever came first. Both are written before the price as
-- text of one length, so that the smallest text is the earliest print; FIRST_VALUE would go by arrival.
CREATE TEMPORARY VIEW placed_prints AS
SELECT
  source,
  pair,
  trade_id,
  price,
  size,
  seq,
  event_time,
  CAST(`time` AS STRING)
    || LPAD(CAST(event_time_ns AS STRING), 3, '0')
    || LPAD(CAST(COALESCE(trade_id, `sequence`) AS STRING), 20, '0')
    || CAST(price AS STRING) AS placed
FROM prints;

EXECUTE STATEMENT SET
BEGIN

INSERT INTO cold.market.ticks
SELECT * FROM ticks;

INSERT INTO warm.market.ohlcv_1m
SELECT
  source,
  pair,
  CAST(window_start AS TIMESTAMP_LTZ(6)),
  CAST(window_end AS TIMESTAMP_LTZ(6)),
  CAST(SUBSTRING(MIN(placed) FROM 50) AS DECIMAL(38, 8)),
  CAST(MAX(price) AS DECIMAL(38, 8)),
  CAST(MIN(price) AS DECIMAL(38, 8)),
  CAST(SUBSTRING(MAX(placed) FROM 50) AS DECIMAL(38, 8)),
  CAST(COALESCE(SUM(size), 0) AS DECIMAL(38, 8)),
  COUNT(*),
  CASE WHEN MAX(trade_id) - MIN(trade_id) + 1 > COUNT(trade_id) THEN 'gap' ELSE 'complete' END,
  CAST(0 AS BIGINT),
  CAST(window_end + INTERVAL '5' SECOND AS TIMESTAMP_LTZ(6)),
  MAX(seq),
  0,
  CAST(window_start AS DATE)
FROM TABLE(TUMBLE(
  TABLE placed_prints,
  DESCRIPTOR(event_time),
  INTERVAL '1' MINUTE
))
GROUP BY source, pair, window_start, window_end;

END;
