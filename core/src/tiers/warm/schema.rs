//! The five tables: their names, columns and options.
//!
//! Columns and their order are a contract with other engines. A time is TIMESTAMP(6) with time zone; what it has below the microsecond
//! stands in an INT column of its own (0 to 999) at the end, so that nothing is lost and nothing becomes known too early.

use paimon::catalog::Identifier;
use paimon::spec::{
    BigIntType, BooleanType, DataType, DateType, DecimalType, DoubleType, IntType, LocalZonedTimestampType, Schema,
    SchemaBuilder, VarCharType,
};

/// Digits of every DECIMAL, eight of them after the point.
pub(super) const PRECISION: u8 = 38;
pub(super) const SCALE: i8 = 8;
/// The largest amount a DECIMAL(38,8) holds, at 1e-8.
pub(super) const LARGEST: i128 = 10i128.pow(PRECISION as u32) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableName {
    Candles,
    ReplayCandles,
    Transfers,
    Balance,
    Trades,
}

impl TableName {
    pub(super) fn database(self) -> &'static str {
        match self {
            Self::Candles | Self::ReplayCandles => "market",
            Self::Transfers | Self::Balance | Self::Trades => "ledger",
        }
    }

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Candles => "ohlcv_1m",
            Self::ReplayCandles => "replay_ohlcv_1m",
            Self::Transfers => "transfers",
            Self::Balance => "balance",
            Self::Trades => "trades",
        }
    }

    /// As it is written in SQL and in messages.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Candles => "market.ohlcv_1m",
            Self::ReplayCandles => "market.replay_ohlcv_1m",
            Self::Transfers => "ledger.transfers",
            Self::Balance => "ledger.balance",
            Self::Trades => "ledger.trades",
        }
    }

    pub(super) fn identifier(self) -> Identifier {
        Identifier::new(self.database(), self.table())
    }

    /// Whether rows with one key are merged into one on reading; otherwise rows are only ever added.
    pub(super) fn merges(self) -> bool {
        matches!(self, Self::Balance | Self::Trades)
    }

    /// Commits after which the table is compacted. A read opens one manifest and one file for each commit since. A balance is to be
    /// read in 20 ms: after 20 commits it took 9.7 in a release build, and in a dev build, with 50 balances and 20 changed by each commit,
    /// 2.4 ms and 0.6 more for each commit. Of candles a few days are read at a time, and compaction has more to do.
    pub(super) fn commits_before_compaction(self) -> usize {
        match self {
            Self::Balance | Self::Trades => 24,
            Self::Candles | Self::ReplayCandles | Self::Transfers => 64,
        }
    }

    /// Replays and transfers are partitioned by session, so that compacting one rewrites nothing of the others; candles by day.
    /// The balance of all sessions is small and is one partition.
    pub(super) fn schema(self) -> Result<Schema, paimon::Error> {
        let columns = Schema::builder()
            .option("file.format", "parquet")
            .option("file.compression", "zstd")
            // Or the folder of 2026-11-22 is called `day=20779`.
            .option("partition.legacy-name", "false");
        let (text, bigint) = (DataType::VarChar(VarCharType::string_type()), DataType::BigInt(BigIntType::new()));
        let (nanos, time) = (DataType::Int(IntType::new()), time()?);
        match self {
            Self::Candles => candles(columns)?.partition_keys(["day"]),
            Self::ReplayCandles => candles(columns.column("session_id", text))?.partition_keys(["session_id", "day"]),
            Self::Transfers => columns
                .column("session_id", text.clone())
                .column("step", bigint)
                .column("tape_time", time)
                .column("transfer_id", text.clone())
                .column("debit", text.clone())
                .column("credit", text.clone())
                .column("asset", text.clone())
                .column("amount", decimal()?)
                .column("cause", text.clone())
                .column("hash", text)
                .column("tape_time_ns", nanos)
                .partition_keys(["session_id"]),
            Self::Balance => columns
                .column("session_id", text.clone())
                .column("account", text.clone())
                .column("asset", text)
                .column("amount", decimal()?)
                .primary_key(["session_id", "account", "asset"])
                .option("bucket", "1")
                .option("merge-engine", "aggregation")
                .option("fields.amount.aggregate-function", "sum"),
            Self::Trades => columns
                .column("session_id", text.clone())
                .column("trade_id", text.clone())
                .column("order_id", text.clone())
                .column("pair", text.clone())
                .column("side", text.clone())
                .column("price", decimal()?)
                .column("fill_price", decimal()?)
                .column("quantity", decimal()?)
                .column("fee", decimal()?)
                .column("slippage", decimal()?)
                .column("total_cost", decimal()?)
                .column("maker", DataType::Boolean(BooleanType::new()))
                .column("signal_similarity", DataType::Double(DoubleType::new()))
                .column("signal_sentiment", text.clone())
                .column("source", text)
                .column("event_time", time)
                .column("event_time_ns", nanos)
                .primary_key(["session_id", "trade_id"])
                .partition_keys(["session_id"])
                .option("bucket", "1")
                .option("merge-engine", "deduplicate"),
        }
        .build()
    }
}

fn candles(columns: SchemaBuilder) -> Result<SchemaBuilder, paimon::Error> {
    let (text, bigint) = (DataType::VarChar(VarCharType::string_type()), DataType::BigInt(BigIntType::new()));
    Ok(columns
        .column("source", text.clone())
        .column("pair", text.clone())
        .column("window_start", time()?)
        .column("window_end", time()?)
        .column("open", decimal()?)
        .column("high", decimal()?)
        .column("low", decimal()?)
        .column("close", decimal()?)
        .column("volume", decimal()?)
        .column("tick_count", bigint.clone())
        .column("quality", text)
        .column("revision", bigint.clone())
        .column("tape_time", time()?)
        .column("seq", bigint)
        .column("tape_time_ns", DataType::Int(IntType::new()))
        .column("day", DataType::Date(DateType::new())))
}

fn decimal() -> Result<DataType, paimon::Error> {
    Ok(DataType::Decimal(DecimalType::new(u32::from(PRECISION), SCALE.unsigned_abs().into())?))
}

fn time() -> Result<DataType, paimon::Error> {
    Ok(DataType::LocalZonedTimestamp(LocalZonedTimestampType::new(6)?))
}
