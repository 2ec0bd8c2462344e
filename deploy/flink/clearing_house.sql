-- The clearing house: orders of the topic become trades and balances in Paimon, for a desk that does not settle its own.
--
-- Simpler than a desk: an order fills at once and whole, at its price and 5 bp against it, for 0.10 %. There is no chain of hashes, so
-- `ledger.transfers` is left to desks, and no opening deposit: a desk posts that, once, as a transfer with a fixed id.
--
-- A balance is a sum, so an order that is applied twice is counted twice. Three things keep that from happening, and all of them are needed:
-- an order is taken by its id, and ids are remembered without end; the topic's offsets, these ids and what was written go into one checkpoint;
-- and THE JOB IS ONLY EVER STARTED AGAIN FROM ITS LAST CHECKPOINT (`-Dexecution.state-recovery.path=…`). To start it without one, drop
-- `ledger.balance` and `ledger.trades` first: both are then made again from the first order of the topic.

SET 'pipeline.name' = 'tapedeck clearing house';
SET 'execution.checkpointing.interval' = '15s';
SET 'table.exec.state.ttl' = '0';

CREATE CATALOG warm WITH (
  'type' = 'paimon',
  'warehouse' = 's3://tapedeck/warm'
);

CREATE DATABASE IF NOT EXISTS warm.ledger;

CREATE TABLE IF NOT EXISTS warm.ledger.trades (
  session_id STRING NOT NULL,
  trade_id STRING NOT NULL,
  order_id STRING,
  pair STRING,
  side STRING,
  price DECIMAL(38, 8),
  fill_price DECIMAL(38, 8),
  quantity DECIMAL(38, 8),
  fee DECIMAL(38, 8),
  slippage DECIMAL(38, 8),
  total_cost DECIMAL(38, 8),
  maker BOOLEAN,
  signal_similarity DOUBLE,
  signal_sentiment STRING,
  source STRING,
  event_time TIMESTAMP_LTZ(6),
  event_time_ns INT,
  PRIMARY KEY (session_id, trade_id) NOT ENFORCED
) PARTITIONED BY (session_id) WITH (
  'file.format' = 'parquet',
  'file.compression' = 'zstd',
  'partition.legacy-name' = 'false',
  'bucket' = '1',
  'merge-engine' = 'deduplicate'
);

CREATE TABLE IF NOT EXISTS warm.ledger.balance (
  session_id STRING NOT NULL,
  account STRING NOT NULL,
  asset STRING NOT NULL,
  amount DECIMAL(38, 8),
  PRIMARY KEY (session_id, account, asset) NOT ENFORCED
) WITH (
  'file.format' = 'parquet',
  'file.compression' = 'zstd',
  'partition.legacy-name' = 'false',
  'bucket' = '1',
  'merge-engine' = 'aggregation',
  'fields.amount.aggregate-function' = 'sum'
);

-- Each step rounds once, to eight decimals. Flink's product of two DECIMALs has at most 38 digits, so the factors are kept short.
CREATE TEMPORARY VIEW fills AS
SELECT
  *,
  CAST(ABS(fill_price - price) * quantity AS DECIMAL(38, 8)) AS slippage,
  CAST(fill_price * quantity AS DECIMAL(38, 8)) AS notional,
  CAST(CAST(fill_price * quantity AS DECIMAL(30, 8)) * 0.001 AS DECIMAL(38, 8)) AS fee
FROM (
  SELECT
    *,
    CAST(price * CASE side WHEN 'buy' THEN 1.0005 ELSE 0.9995 END AS DECIMAL(20, 8)) AS fill_price
  FROM (
    SELECT
      order_id,
      pair,
      SPLIT_INDEX(pair, '-', 0) AS asset,
      LOWER(side) AS side,
      CAST(price AS DECIMAL(20, 8)) AS price,
      CAST(quantity AS DECIMAL(20, 8)) AS quantity,
      signal_similarity,
      signal_sentiment,
      `time`,
      ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY arrived) AS copy
    FROM orders
  )
  WHERE copy = 1 AND side IN ('buy', 'sell') AND SPLIT_INDEX(pair, '-', 1) = 'USD'
);

EXECUTE STATEMENT SET
BEGIN

INSERT INTO warm.ledger.trades
SELECT
  'flink',
  order_id || '-1',
  order_id,
  pair,
  side,
  price,
  fill_price,
  quantity,
  fee,
  slippage,
  CASE side WHEN 'buy' THEN notional + fee ELSE notional - fee END,
  FALSE,
  signal_similarity,
  signal_sentiment,
  'live',
  `time`,
  0
FROM fills;

-- Three legs, each taken from one account and given to another: asset, cash, fee. Together they add up to nothing, for each asset.
INSERT INTO warm.ledger.balance
SELECT 'flink', 'trader', asset, CASE side WHEN 'buy' THEN quantity ELSE -quantity END FROM fills
UNION ALL
SELECT 'flink', 'venue', asset, CASE side WHEN 'buy' THEN -quantity ELSE quantity END FROM fills
UNION ALL
SELECT 'flink', 'trader', 'USD', CASE side WHEN 'buy' THEN -notional ELSE notional END FROM fills
UNION ALL
SELECT 'flink', 'venue', 'USD', CASE side WHEN 'buy' THEN notional ELSE -notional END FROM fills
UNION ALL
SELECT 'flink', 'trader', 'USD', -fee FROM fills
UNION ALL
SELECT 'flink', 'fees', 'USD', fee FROM fills;

END;
