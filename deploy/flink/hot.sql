-- The hot tier: ticks to Fluss, where they can be read within a second. At least once: a job that goes on from a checkpoint writes again what came
-- after it. The last quote of a pair is one row by its key, so that writing it twice changes nothing; of ticks a reader takes the first by
-- (source, pair, trade_id).

SET 'pipeline.name' = 'tapedeck hot tier';
SET 'execution.checkpointing.interval' = '10s';
SET 'table.exec.state.ttl' = '1 h';

CREATE CATALOG hot WITH (
  'type' = 'fluss',
  'bootstrap.servers' = 'fluss-coordinator:9123'
);

CREATE DATABASE IF NOT EXISTS hot.market;

CREATE TABLE IF NOT EXISTS hot.market.ticks (
  seq BIGINT NOT NULL,
  tape_time TIMESTAMP_LTZ(6) NOT NULL,
  kind STRING NOT NULL,
  source STRING NOT NULL,
  pair STRING NOT NULL,
  `sequence` BIGINT NOT NULL,
  trade_id BIGINT,
  price DECIMAL(20, 8),
  size DECIMAL(20, 8),
  side STRING,
  best_bid DECIMAL(20, 8),
  best_ask DECIMAL(20, 8),
  bid_size DECIMAL(20, 8),
  ask_size DECIMAL(20, 8),
  volume_24h DECIMAL(38, 8),
  open_24h DECIMAL(20, 8),
  event_time TIMESTAMP_LTZ(6) NOT NULL,
  received_time TIMESTAMP_LTZ(6) NOT NULL,
  tape_time_ns INT NOT NULL,
  event_time_ns INT NOT NULL,
  received_time_ns INT NOT NULL,
  arrival STRING
) WITH (
  'bucket.num' = '3',
  'bucket.key' = 'pair',
  -- Older ticks are in Iceberg.
  'table.log.ttl' = '1 d'
);

CREATE TABLE IF NOT EXISTS hot.market.quotes (
  source STRING NOT NULL,
  pair STRING NOT NULL,
  best_bid DECIMAL(20, 8),
  best_ask DECIMAL(20, 8),
  bid_size DECIMAL(20, 8),
  ask_size DECIMAL(20, 8),
  volume_24h DECIMAL(38, 8),
  open_24h DECIMAL(20, 8),
  event_time TIMESTAMP_LTZ(6) NOT NULL,
  received_time TIMESTAMP_LTZ(6) NOT NULL,
  tape_time TIMESTAMP_LTZ(6) NOT NULL,
  `sequence` BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  event_time_ns INT NOT NULL,
  tape_time_ns INT NOT NULL,
  PRIMARY KEY (source, pair) NOT ENFORCED
) WITH (
  'bucket.num' = '3'
);

EXECUTE STATEMENT SET
BEGIN

INSERT INTO hot.market.ticks
SELECT * FROM ticks;

INSERT INTO hot.market.quotes
SELECT
  source,
  pair,
  best_bid,
  best_ask,
  bid_size,
  ask_size,
  volume_24h,
  open_24h,
  `time`,
  received_time,
  tape_time,
  `sequence`,
  seq,
  event_time_ns,
  tape_time_ns
FROM shown;

END;
