//! The archive in Iceberg and the warm tables in Paimon, as the tiers that own them write them, with few rows.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::array::{TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::{DataType as ArrowType, Field, Schema as ArrowSchema, TimeUnit};
use iceberg::arrow::{RecordBatchPartitionSplitter, schema_to_arrow_schema};
use iceberg::io::LocalFsStorageFactory;
use iceberg::memory::{MEMORY_CATALOG_WAREHOUSE, MemoryCatalog, MemoryCatalogBuilder};
use iceberg::spec::{DataFileFormat, NestedField, PrimitiveType, Schema, Transform, Type, UnboundPartitionSpec};
use iceberg::table::Table;
use iceberg::transaction::{ApplyTransactionAction, Transaction};
use iceberg::writer::base_writer::data_file_writer::DataFileWriterBuilder;
use iceberg::writer::file_writer::ParquetWriterBuilder;
use iceberg::writer::file_writer::location_generator::{DefaultFileNameGenerator, DefaultLocationGenerator};
use iceberg::writer::file_writer::rolling_writer::RollingFileWriterBuilder;
use iceberg::writer::partitioning::PartitioningWriter;
use iceberg::writer::partitioning::fanout_writer::FanoutWriter;
use iceberg::{Catalog as _, CatalogBuilder, NamespaceIdent, TableCreation};
use paimon::catalog::Identifier;
use paimon::spec::{
    BigIntType, DataType, DateType, DecimalType, IntType, LocalZonedTimestampType, Schema as PaimonSchema, VarCharType,
};
use paimon::{Catalog as _, CatalogOptions, FileSystemCatalog, Options};
use parquet::file::properties::WriterProperties;

use super::boundless;
use crate::domain::time::{DAY, SECOND};
use crate::domain::{
    Amount, Arrival, EventTime, ImportId, Input, Pair, Price, Quantity, Quote, ReceivedTime, Seq, Side, Source,
    Stamped, TapeTime, Tick, TickKind, Trade, TradeId,
};

/// 2026-11-20T00:00:00Z.
pub(super) const DAY0: i64 = 1_795_132_800 * SECOND;

/// The `n`th of a made-up tape over two lanes, two pairs and three days: a trade, or every third time a quote.
pub(super) fn stamped(n: u64) -> Stamped {
    let source = if n.is_multiple_of(5) { Source::Import(ImportId(7)) } else { Source::Live };
    let pair: Pair = if n.is_multiple_of(2) { "BTC-USD" } else { "ETH-USD" }.parse().expect("a pair");
    // Three days in all, with nanoseconds below the microsecond.
    let at = DAY0 + (n as i64) * (3 * DAY / 3_000) + (n as i64 * 7) % 1_000;
    let price = Price::from_units(7_757_287_000_000 + (n as i64 * 37) % 1_000_000);
    let size = Quantity::from_units(100 + n as i64);
    let kind = if n.is_multiple_of(3) {
        TickKind::Quote(Quote {
            best_bid: price,
            best_ask: Price::from_units(price.units() + 1_000_000),
            bid_size: Some(size),
            ask_size: None,
            volume_24h: Some(Amount::from_units(i128::from(i64::MAX) + i128::from(n))),
            open_24h: None,
        })
    } else {
        let taker_side = n.is_multiple_of(4).then_some(if n.is_multiple_of(8) { Side::Buy } else { Side::Sell });
        TickKind::Trade(Trade { trade_id: TradeId(1_000 + n), price, size, taker_side, arrival: Arrival::News })
    };
    let tick = Tick {
        source,
        pair,
        sequence: n * 3,
        event_time: EventTime::from_nanos(at),
        received_time: ReceivedTime::from_nanos(at + 2_500),
        kind,
    };
    Stamped { seq: Seq(n), tape_time: TapeTime::from_nanos(at), input: Input::Tick(tick) }
}

pub(super) fn tape(numbers: impl IntoIterator<Item = u64>) -> Vec<Stamped> {
    numbers.into_iter().map(stamped).collect()
}

/// Rows as the archive holds them.
pub(super) fn ticks(stamped: &[Stamped]) -> Vec<RecordBatch> {
    let hot = boundless();
    hot.push(stamped);
    hot.ticks()
}

/// A clock of the archive for the `n`th second, with nothing a tick has.
pub(super) fn clock(n: u64) -> RecordBatch {
    let like = ticks(&[stamped(n)]).remove(0);
    let schema = like.schema();
    let columns = schema.fields().iter().zip(like.columns()).map(|(field, column)| match field.name().as_str() {
        "kind" => Arc::new(StringArray::from(vec!["clock"])) as ArrayRef,
        "seq" | "tape_time" | "source" | "event_time" | "received_time" => Arc::clone(column),
        name if name.ends_with("_ns") => Arc::clone(column),
        _ => new_null_array(field.data_type(), 1),
    });
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
    RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns.collect()).expect("a clock")
}

pub(super) struct Archive {
    catalog: MemoryCatalog,
    pub(super) table: Table,
    /// Rows of a row group.
    row_group: Option<usize>,
    written: usize,
}

impl Archive {
    pub(super) async fn new(directory: &Path) -> Self {
        let warehouse = format!("file://{}", directory.display());
        let catalog = MemoryCatalogBuilder::default()
            .with_storage_factory(Arc::new(LocalFsStorageFactory))
            .load("test", HashMap::from([(MEMORY_CATALOG_WAREHOUSE.to_owned(), warehouse)]))
            .await
            .expect("a catalog");
        let namespace = NamespaceIdent::new("market".to_owned());
        catalog.create_namespace(&namespace, HashMap::new()).await.expect("a namespace");
        let table = catalog.create_table(&namespace, creation()).await.expect("a table");
        Self { catalog, table, row_group: None, written: 0 }
    }

    pub(super) fn with_row_groups_of(mut self, rows: usize) -> Self {
        self.row_group = Some(rows);
        self
    }

    /// One snapshot, with a file for each day the rows are of; its id.
    pub(super) async fn append(&mut self, batches: &[RecordBatch]) -> i64 {
        let schema = self.table.metadata().current_schema();
        let arrow = Arc::new(schema_to_arrow_schema(schema).expect("an arrow schema"));
        let properties = WriterProperties::builder().set_max_row_group_row_count(self.row_group).build();
        self.written += 1;
        let names = DefaultFileNameGenerator::new(format!("part{}", self.written), None, DataFileFormat::Parquet);
        let rolling = RollingFileWriterBuilder::new_with_default_file_size(
            ParquetWriterBuilder::new(properties, Arc::clone(schema)),
            self.table.file_io().clone(),
            DefaultLocationGenerator::new(self.table.metadata()).expect("a location"),
            names,
        );
        let mut files = FanoutWriter::new(DataFileWriterBuilder::new(rolling));
        let partitions = self.table.metadata().default_partition_spec().clone();
        let splitter =
            RecordBatchPartitionSplitter::try_new_with_computed_values(Arc::clone(schema), partitions).expect("days");
        for batch in batches {
            let batch =
                RecordBatch::try_new(Arc::clone(&arrow), batch.columns().to_vec()).expect("the table's columns");
            for (day, part) in splitter.split(&batch).expect("split by day") {
                files.write(day, part).await.expect("written");
            }
        }
        let transaction = Transaction::new(&self.table);
        let append = transaction.fast_append().add_data_files(files.close().await.expect("closed"));
        let transaction = append.apply(transaction).expect("applied");
        self.table = transaction.commit(&self.catalog).await.expect("committed");
        self.table.metadata().current_snapshot_id().expect("a snapshot")
    }
}

fn creation() -> TableCreation {
    use PrimitiveType::{Decimal, Int, Long, String, Timestamptz};
    let money = Decimal { precision: 20, scale: 8 };
    let columns = [
        ("seq", Long, true),
        ("tape_time", Timestamptz, true),
        ("kind", String, true),
        ("source", String, true),
        ("pair", String, false),
        ("sequence", Long, false),
        ("trade_id", Long, false),
        ("price", money.clone(), false),
        ("size", money.clone(), false),
        ("side", String, false),
        ("best_bid", money.clone(), false),
        ("best_ask", money.clone(), false),
        ("bid_size", money.clone(), false),
        ("ask_size", money.clone(), false),
        ("volume_24h", Decimal { precision: 38, scale: 8 }, false),
        ("open_24h", money, false),
        ("event_time", Timestamptz, true),
        ("received_time", Timestamptz, true),
        ("tape_time_ns", Int, true),
        ("event_time_ns", Int, true),
        ("received_time_ns", Int, true),
        ("arrival", String, false),
    ];
    let fields = columns
        .into_iter()
        .zip(1..)
        .map(|((name, kind, required), id)| Arc::new(NestedField::new(id, name, Type::Primitive(kind), required)));
    let schema = Schema::builder().with_fields(fields).build().expect("a schema");
    let days = UnboundPartitionSpec::builder()
        .add_partition_field(17, "event_time_day", Transform::Day)
        .expect("a partition")
        .build();
    TableCreation::builder().name("ticks".to_owned()).schema(schema).partition_spec(days).build()
}

/// A row of `warm.ohlcv_1m`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    pub(super) pair: &'static str,
    pub(super) minute: i64,
    pub(super) close: i128,
    pub(super) revision: i32,
    /// Nanoseconds after `DAY0`.
    pub(super) known: i64,
}

/// The Paimon tables of the warm tier.
pub(super) struct Warm {
    catalog: FileSystemCatalog,
    committed: i64,
}

impl Warm {
    pub(super) async fn new(directory: &Path) -> Self {
        let mut options = Options::new();
        options.set(CatalogOptions::WAREHOUSE, directory.display().to_string());
        let catalog = FileSystemCatalog::new(options).expect("a catalog");
        for database in ["market", "ledger"] {
            catalog.create_database(database, true, HashMap::new()).await.expect("a database");
        }
        for name in ["ohlcv_1m", "replay_ohlcv_1m"] {
            let session = (name == "replay_ohlcv_1m").then_some(("session_id", text()));
            let columns = session.into_iter().chain([
                ("source", text()),
                ("pair", text()),
                ("window_start", time()),
                ("window_end", time()),
                ("open", decimal(20)),
                ("high", decimal(20)),
                ("low", decimal(20)),
                ("close", decimal(20)),
                ("volume", decimal(38)),
                ("tick_count", DataType::Int(IntType::new())),
                ("quality", text()),
                ("revision", DataType::Int(IntType::new())),
                ("tape_time", time()),
                ("seq", DataType::BigInt(BigIntType::new())),
                ("tape_time_ns", DataType::Int(IntType::new())),
                ("day", DataType::Date(DateType::new())),
            ]);
            let schema = columns
                .fold(PaimonSchema::builder(), |schema, (name, kind)| schema.column(name, kind))
                .partition_keys(["day"])
                .option("partition.legacy-name", "false");
            let schema = schema.build().expect("a schema");
            catalog.create_table(&Identifier::new("market", name), schema, false).await.expect("a table");
        }
        let ledger = |columns: &[(&str, DataType)]| {
            columns.iter().fold(PaimonSchema::builder(), |schema, (name, kind)| schema.column(*name, kind.clone()))
        };
        let transfers = ledger(&[("session_id", text()), ("tape_time", time()), ("amount", decimal(38))]);
        let trades =
            ledger(&[("session_id", text()), ("trade_id", text()), ("price", decimal(38)), ("event_time", time())])
                .primary_key(["session_id", "trade_id"])
                .option("bucket", "1");
        let balance = ledger(&[("session_id", text()), ("account", text()), ("amount", decimal(38))])
            .primary_key(["session_id", "account"])
            .option("bucket", "1")
            .option("merge-engine", "aggregation")
            .option("fields.amount.aggregate-function", "sum");
        for (name, schema) in [("transfers", transfers), ("trades", trades), ("balance", balance)] {
            let schema = schema.build().expect("a schema");
            catalog.create_table(&Identifier::new("ledger", name), schema, false).await.expect("a table");
        }
        Self { catalog, committed: 0 }
    }

    async fn write(&mut self, database: &str, table: &str, columns: Vec<(&str, ArrayRef)>) {
        let fields: Vec<_> =
            columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        let batch = RecordBatch::try_new(Arc::new(ArrowSchema::new(fields)), columns).expect("a batch");
        let table = self.catalog.get_table(&Identifier::new(database, table)).await.expect("a table");
        let builder = table.new_write_builder().with_commit_user("test").expect("a writer");
        let mut writer = builder.new_write().expect("a writer");
        writer.write_arrow_batch(&batch).await.expect("written");
        self.committed += 1;
        let messages = writer.prepare_commit().await.expect("prepared");
        let commit = builder.try_new_commit().expect("a commit");
        let done = commit.filter_and_commit(vec![(self.committed, messages)]).await.expect("committed");
        assert_eq!(done, 1);
    }

    pub(super) async fn bars(&mut self, bars: &[Bar]) {
        for table in ["ohlcv_1m", "replay_ohlcv_1m"] {
            let micros = |at: fn(&Bar) -> i64| micros(bars.iter().map(at));
            let money = |precision| decimals(precision, bars.iter().map(|bar| bar.close));
            let small = |of: fn(&Bar) -> i32| Arc::new(Int32Array::from_iter_values(bars.iter().map(of))) as ArrayRef;
            let same = |value: &'static str| texts(bars.iter().map(|_| value));
            let mut columns = vec![
                ("source", same("live")),
                ("pair", texts(bars.iter().map(|bar| bar.pair))),
                ("window_start", micros(|bar| DAY0 + bar.minute * 60 * SECOND)),
                ("window_end", micros(|bar| DAY0 + (bar.minute + 1) * 60 * SECOND)),
                ("open", money(20)),
                ("high", money(20)),
                ("low", money(20)),
                ("close", money(20)),
                ("volume", money(38)),
                ("tick_count", small(|_| 1)),
                ("quality", same("complete")),
                ("revision", small(|bar| bar.revision)),
                ("tape_time", micros(|bar| DAY0 + bar.known)),
                ("seq", Arc::new(Int64Array::from_iter_values(0..bars.len() as i64))),
                ("tape_time_ns", small(|bar| ((DAY0 + bar.known) % 1_000) as i32)),
                (
                    "day",
                    Arc::new(Date32Array::from_iter_values(
                        bars.iter().map(|bar| ((DAY0 + bar.minute * 60 * SECOND) / DAY) as i32),
                    )),
                ),
            ];
            if table == "replay_ohlcv_1m" {
                columns.insert(0, ("session_id", same("replay-1")));
            }
            self.write("market", table, columns).await;
        }
    }

    /// A trade and a transfer of one unit each, `seconds` after `DAY0`, and what they sum to.
    pub(super) async fn ledger(&mut self, seconds: &[i64]) {
        let session = || texts(seconds.iter().map(|_| "live"));
        let times = || micros(seconds.iter().map(|at| DAY0 + at * SECOND));
        let ones = || decimals(38, seconds.iter().map(|_| 100_000_000));
        let ids: Vec<String> = seconds.iter().map(|at| format!("trade-{at}")).collect();
        let transfers = vec![("session_id", session()), ("tape_time", times()), ("amount", ones())];
        self.write("ledger", "transfers", transfers).await;
        let trade_ids = texts(ids.iter().map(String::as_str));
        let trades =
            vec![("session_id", session()), ("trade_id", trade_ids), ("price", ones()), ("event_time", times())];
        self.write("ledger", "trades", trades).await;
        let accounts = texts(seconds.iter().map(|_| "cash"));
        self.write("ledger", "balance", vec![("session_id", session()), ("account", accounts), ("amount", ones())])
            .await;
    }
}

fn text() -> DataType {
    DataType::VarChar(VarCharType::string_type())
}

fn time() -> DataType {
    DataType::LocalZonedTimestamp(LocalZonedTimestampType::new(6).expect("microseconds"))
}

fn decimal(precision: u32) -> DataType {
    DataType::Decimal(DecimalType::new(precision, 8).expect("a decimal"))
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn micros(nanos: impl Iterator<Item = i64>) -> ArrayRef {
    let values = TimestampMicrosecondArray::from_iter_values(nanos.map(|nanos| nanos.div_euclid(1_000)));
    let values = values.with_timezone("UTC");
    debug_assert!(matches!(
        arrow::array::Array::data_type(&values),
        ArrowType::Timestamp(TimeUnit::Microsecond, Some(_))
    ));
    Arc::new(values)
}

fn decimals(precision: u8, units: impl Iterator<Item = i128>) -> ArrayRef {
    let values = Decimal128Array::from_iter_values(units).with_precision_and_scale(precision, 8).expect("a decimal");
    Arc::new(values)
}
