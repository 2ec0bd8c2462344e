//! One read-only SQL over all tiers, with one as-of cursor.
//!
//! Names are `tier.table`: `hot.ticks` and `hot.quotes` in memory, `warm.candles` and the other Paimon tables, `cold.ticks` in Iceberg,
//! `vectors.patterns` in LanceDB.
//! Each request plans against a catalog of its own, so that it sees the newest snapshot of every table and, with a cursor, no row
//! that was not known at that moment.
//!
//! * [`SqlError`] says what is wrong with a query, and where; `read_only` what may be asked at all.
//! * `catalog` has the names; `iceberg` (with `pushdown`), `warm`, `vectors` and [`super::hot`] the tables; `cursor` cuts them; `leaf` is their place in
//!   a plan.
//! * `session` runs a query within its limits, and `stop` makes sure that it ends.
//! * [`SqlResult`] is an answer; `export` writes it to a file.

mod catalog;
mod cursor;
mod error;
mod export;
mod iceberg;
mod pushdown;
mod read_only;
mod result;
mod session;
mod stop;
#[cfg(test)]
mod tests;
mod vectors;
mod warm;

pub use error::SqlError;
pub use export::{Existing, ExportFormat};
pub use iceberg::TableSource;
pub use result::{Cells, SqlResult};
pub use session::{ColumnDescription, Sql, SqlRequest, TableDescription, Tiers};
