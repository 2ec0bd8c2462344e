//! Idempotent projections of the journal into open tables, and one SQL over them.
//!
//! * [`cold`]: every tick and clock, in Iceberg, by day. The only copy of old ticks, so it is truth.
//! * [`warm`]: candles, balances and trades, in Paimon. Can be thrown away and made again.
//! * [`hot`]: the last minutes in memory, queryable while they are written.
//! * [`vectors`]: what each hour looked like and what came after it, in LanceDB. Can be thrown away and made again.
//! * [`sql`]: one read-only catalog over all of them, with one as-of cursor.
//!
//! Each sink stores the last `Seq` in the same atomic commit as its data, and skips what it has.

pub mod cold;
pub mod hot;
mod leaf;
pub mod sql;
pub mod vectors;
pub mod warm;
