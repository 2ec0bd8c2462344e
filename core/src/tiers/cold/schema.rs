//! The columns of `market.ticks`: a contract with other engines.
//!
//! A time is microseconds with time zone; what it has below them stands in an int column of its own (0 to 999) at the end, and so does how
//! a trade arrived: a replay from here must give the engine's state to the last bit.

use std::sync::Arc;

use iceberg::spec::{
    NestedField, NullOrder, PrimitiveType, Schema, SortDirection, SortField, SortOrder, Transform, Type,
    UnboundPartitionSpec,
};
use iceberg::{Result, TableCreation};

/// Field ids, which are also the places of the columns, counted from 1.
pub(super) mod id {
    pub(in crate::tiers::cold) const SEQ: i32 = 1;
    pub(in crate::tiers::cold) const TAPE_TIME: i32 = 2;
    pub(in crate::tiers::cold) const SOURCE: i32 = 4;
    pub(in crate::tiers::cold) const EVENT_TIME: i32 = 17;
}

/// Digits of a price or size (an `i64` at 1e-8 has 19), and of a daily volume.
pub(super) const PRICE_DIGITS: u8 = 20;
pub(super) const VOLUME_DIGITS: u8 = 38;
pub(super) const SCALE: i8 = 8;

pub(super) fn schema() -> Result<Schema> {
    let price = PrimitiveType::Decimal { precision: u32::from(PRICE_DIGITS), scale: SCALE.unsigned_abs().into() };
    let volume = PrimitiveType::Decimal { precision: u32::from(VOLUME_DIGITS), scale: SCALE.unsigned_abs().into() };
    let (text, long, int, time) =
        (PrimitiveType::String, PrimitiveType::Long, PrimitiveType::Int, PrimitiveType::Timestamptz);
    let columns = [
        ("seq", true, long.clone()),
        ("tape_time", true, time.clone()),
        ("kind", true, text.clone()),
        ("source", true, text.clone()),
        ("pair", false, text.clone()),
        ("sequence", false, long.clone()),
        ("trade_id", false, long),
        ("price", false, price.clone()),
        ("size", false, price.clone()),
        ("side", false, text.clone()),
        ("best_bid", false, price.clone()),
        ("best_ask", false, price.clone()),
        ("bid_size", false, price.clone()),
        ("ask_size", false, price.clone()),
        ("volume_24h", false, volume),
        ("open_24h", false, price),
        ("event_time", true, time.clone()),
        ("received_time", true, time),
        ("tape_time_ns", true, int.clone()),
        ("event_time_ns", true, int.clone()),
        ("received_time_ns", true, int),
        ("arrival", false, text),
    ];
    let fields = columns
        .into_iter()
        .zip(1..)
        .map(|((name, required, kind), id)| Arc::new(NestedField::new(id, name, Type::Primitive(kind), required)));
    Schema::builder().with_fields(fields).build()
}

/// By day of the event, in the order of the tape.
pub(super) fn creation() -> Result<TableCreation> {
    let schema = schema()?;
    let days = UnboundPartitionSpec::builder().add_partition_field(id::EVENT_TIME, "event_time_day", Transform::Day)?;
    let ascending = |source_id| SortField {
        source_id,
        transform: Transform::Identity,
        direction: SortDirection::Ascending,
        null_order: NullOrder::First,
    };
    let order = SortOrder::builder()
        .with_sort_field(ascending(id::TAPE_TIME))
        .with_sort_field(ascending(id::SEQ))
        .build(&schema)?;
    Ok(TableCreation::builder()
        .name("ticks".to_owned())
        .schema(schema)
        .partition_spec(days.build())
        .sort_order(order)
        .properties([
            ("write.parquet.compression-codec".to_owned(), "zstd".to_owned()),
            // Older ones are deleted: each tells of every snapshot, and there is one a minute.
            ("write.metadata.previous-versions-max".to_owned(), "16".to_owned()),
        ])
        .build())
}
