//! The warm tier: candles, transfers, balances and trades in Apache Paimon tables under `<data>/warm`.
//!
//! ```text
//!  warm/market.db/ohlcv_1m          candles, every revision, by day
//!       market.db/replay_ohlcv_1m   the same of replays, by session and day
//!       ledger.db/transfers         every leg of every settlement, by session
//!       ledger.db/balance           one sum for each (session, account, asset)
//!       ledger.db/trades            one row for each fill, by session
//! ```
//!
//! Other engines read these tables as they stand (pypaimon 2.1 does), and so does our SQL.
//!
//! **Exactly once.** A commit carries the `Seq` or step it holds everything through, in the name of its session, in the same atomic
//! snapshot as its rows. The same one again answers `Exists`; a lower one is an error. `table` decides that, and `compact` sees that it
//! is not forgotten when old snapshots go.
//!
//! **One writer.** Nothing here locks: the process that holds the data directory's lock (`journal::DirectoryLock`) opens this tier for
//! writing, and no other does. Readers need no lock.
//!
//! **A projection.** All of it can be deleted and made again from the journal and the cold tier. What a power cut could take is noticed
//! on opening: rows are missing from the end, and `*_through` says from where.

mod candles;
mod columns;
mod compact;
mod durable;
mod error;
mod ledger;
mod schema;
mod status;
mod steps;
mod sweep;
mod table;
#[cfg(test)]
mod tests;

pub use error::WarmError;
pub use ledger::{BalanceDelta, Balances, TradeRow, TransferRow};
pub use status::{LastCommit, TableSnapshot, TableStatistics, WarmStatistics};
pub use steps::STEPS;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use paimon::spec::{Datum, PredicateBuilder};
use paimon::{CatalogOptions, FileSystemCatalog, Options};

use self::schema::TableName;
use self::table::{WRITER, WarmTable};
use crate::domain::{Candle, Seq};
use crate::journal::CandleQuery;

/// What became of rows that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// They are there now, and were not before. Said of no rows too, for which nothing is committed and no identifier is remembered.
    Stored,
    /// A commit with this identifier had been made already, and nothing was written.
    Exists,
}

/// The warm tier, open for writing.
pub struct Warm {
    candles: WarmTable,
    replay_candles: WarmTable,
    transfers: WarmTable,
    balance: WarmTable,
    trades: WarmTable,
    /// What `balance` holds, by session, so that a sum which would not fit is refused before it is written.
    totals: BTreeMap<String, Balances>,
}

impl Warm {
    /// Creates what is missing. The caller holds the lock of the data directory.
    ///
    /// Errors: `OtherColumns` and `Damaged`, after which the tier is to be thrown away and rebuilt.
    pub async fn open(data_directory: &Path) -> Result<Self, WarmError> {
        let path = warehouse(data_directory);
        let unusable = |source| WarmError::Directory { path: path.clone(), source };
        let absolute = std::path::absolute(&path).map_err(unusable)?;
        std::fs::create_dir_all(&absolute).map_err(unusable)?;
        let name = absolute.to_str().ok_or_else(|| unusable(std::io::Error::other("its name is not UTF-8")))?;
        let mut options = Options::new();
        options.set(CatalogOptions::WAREHOUSE, name);
        let catalog = FileSystemCatalog::new(options).map_err(|e| unusable(std::io::Error::other(e)))?;
        let balance = WarmTable::open(&catalog, TableName::Balance).await?;
        Ok(Self {
            candles: WarmTable::open(&catalog, TableName::Candles).await?,
            replay_candles: WarmTable::open(&catalog, TableName::ReplayCandles).await?,
            transfers: WarmTable::open(&catalog, TableName::Transfers).await?,
            trades: WarmTable::open(&catalog, TableName::Trades).await?,
            totals: ledger::decode_balances(&balance.read(None).await?)?,
            balance,
        })
    }

    /// Whether the tier was ever made.
    pub fn is_there(data_directory: &Path) -> bool {
        warehouse(data_directory).is_dir()
    }

    /// Deletes the whole tier, so that it can be made again. Nothing of it is open meanwhile.
    pub fn throw_away(data_directory: &Path) -> Result<(), WarmError> {
        let path = warehouse(data_directory);
        match std::fs::remove_dir_all(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(WarmError::Directory { path, source }),
            _ => Ok(()),
        }
    }

    /// Stores the candles of every input through this one. Those of inputs that gave none need not be put.
    ///
    /// Errors: `Backwards` when later ones are stored. After any other error it is open whether they were stored, as it is when the future is
    /// dropped on the way. The same put again, before any other, stores or finds them.
    pub async fn put_candles(&mut self, candles: &[Candle], through: Seq) -> Result<Put, WarmError> {
        self.candles.put(WRITER, through.0, &candles::encode(None, candles)?).await
    }

    /// The input through which candles are stored: the last that had any. Zero when there is none.
    pub fn candles_through(&self) -> Seq {
        Seq(self.candles.through(WRITER).unwrap_or_default())
    }

    /// The highest revision of each window known at the cursor, oldest first.
    pub async fn candles(&self, query: &CandleQuery) -> Result<Vec<Candle>, WarmError> {
        read_candles(&self.candles, None, query).await
    }

    /// As `put_candles`, for those a replay makes.
    pub async fn put_replay_candles(
        &mut self,
        session: &str,
        candles: &[Candle],
        through: Seq,
    ) -> Result<Put, WarmError> {
        let batch = candles::encode(Some(session), candles)?;
        self.replay_candles.put(&commit_user(session)?, through.0, &batch).await
    }

    pub fn replay_candles_through(&self, session: &str) -> Result<Seq, WarmError> {
        Ok(Seq(self.replay_candles.through(&commit_user(session)?).unwrap_or_default()))
    }

    pub async fn replay_candles(&self, session: &str, query: &CandleQuery) -> Result<Vec<Candle>, WarmError> {
        read_candles(&self.replay_candles, Some(session), query).await
    }

    /// Adds to the session's balances what its steps through this one changed.
    ///
    /// Errors: `Overflow` when a balance or the sum of the changes would be 10^30 or more at any point; nothing is written then.
    pub async fn put_balances(&mut self, session: &str, deltas: &[BalanceDelta], step: u64) -> Result<Put, WarmError> {
        let user = commit_user(session)?;
        if self.balance.is_uncertain() {
            self.totals = ledger::decode_balances(&self.balance.read(None).await?)?;
        }
        if !self.balance.is_new(&user, step).await? {
            return Ok(Put::Exists);
        }
        let totals = self.totals.entry(session.to_owned()).or_default();
        let (after, sums) = ledger::add(session, totals, deltas)?;
        let put = self.balance.put(&user, step, &ledger::encode_balances(session, &sums)?).await?;
        totals.extend(after);
        Ok(put)
    }

    pub fn balances_through(&self, session: &str) -> Result<u64, WarmError> {
        Ok(self.balance.through(&commit_user(session)?).unwrap_or_default())
    }

    /// As the table has them.
    pub async fn balances(&self, session: &str) -> Result<Balances, WarmError> {
        let mut sessions = ledger::decode_balances(&read_session(&self.balance, session).await?)?;
        Ok(sessions.remove(session).unwrap_or_default())
    }

    pub async fn put_trades(&mut self, session: &str, trades: &[TradeRow], step: u64) -> Result<Put, WarmError> {
        self.trades.put(&commit_user(session)?, step, &ledger::encode_trades(session, trades)?).await
    }

    pub fn trades_through(&self, session: &str) -> Result<u64, WarmError> {
        Ok(self.trades.through(&commit_user(session)?).unwrap_or_default())
    }

    /// By event time.
    pub async fn trades(&self, session: &str) -> Result<Vec<TradeRow>, WarmError> {
        let mut found = ledger::decode_trades(session, &read_session(&self.trades, session).await?)?;
        found.sort_by(|a, b| (a.event_time, &a.trade_id).cmp(&(b.event_time, &b.trade_id)));
        Ok(found)
    }

    /// The transfers of one step are put together, in their order.
    pub async fn put_transfers(
        &mut self,
        session: &str,
        transfers: &[TransferRow],
        step: u64,
    ) -> Result<Put, WarmError> {
        self.transfers.put(&commit_user(session)?, step, &ledger::encode_transfers(session, transfers)?).await
    }

    pub fn transfers_through(&self, session: &str) -> Result<u64, WarmError> {
        Ok(self.transfers.through(&commit_user(session)?).unwrap_or_default())
    }

    /// By step, and those of a step as they were put.
    pub async fn transfers(&self, session: &str) -> Result<Vec<TransferRow>, WarmError> {
        let mut found = ledger::decode_transfers(session, &read_session(&self.transfers, session).await?)?;
        found.sort_by_key(|transfer| transfer.step);
        Ok(found)
    }

    /// Compacts every table now. Each does so by itself every few commits.
    pub async fn compact(&mut self) -> Result<(), WarmError> {
        for table in self.tables_mut() {
            table.compact().await?;
        }
        // That also read again what is committed, after which a failed put is no longer told from a stored one.
        self.totals = ledger::decode_balances(&self.balance.read(None).await?)?;
        Ok(())
    }

    /// What each table holds, for whoever watches the pipeline.
    pub async fn statistics(&self) -> Result<WarmStatistics, WarmError> {
        let mut tables = Vec::new();
        for table in self.tables() {
            tables.push(status::statistics(table).await?);
        }
        let sum = |count: fn(&TableStatistics) -> u64| tables.iter().map(count).sum();
        Ok(WarmStatistics { snapshots: sum(|table| table.snapshots), bytes: sum(|table| table.bytes), tables })
    }

    /// The snapshots one can travel back to, by table, oldest first. Those before the compaction before last are gone.
    pub async fn snapshots(&self) -> Result<Vec<TableSnapshot>, WarmError> {
        let mut found = Vec::new();
        for table in self.tables() {
            found.extend(status::snapshots(table).await?);
        }
        Ok(found)
    }

    fn tables(&self) -> [&WarmTable; 5] {
        [&self.candles, &self.replay_candles, &self.transfers, &self.balance, &self.trades]
    }

    fn tables_mut(&mut self) -> [&mut WarmTable; 5] {
        [&mut self.candles, &mut self.replay_candles, &mut self.transfers, &mut self.balance, &mut self.trades]
    }
}

fn warehouse(data_directory: &Path) -> PathBuf {
    data_directory.join("warm")
}

/// Whose commits these are. The name becomes a folder of the table, so it is one that needs no escaping.
fn commit_user(session: &str) -> Result<String, WarmError> {
    let fits = (1..=64).contains(&session.len()) && !session.starts_with('.');
    if !fits || !session.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        return Err(WarmError::SessionName(session.chars().take(80).collect()));
    }
    Ok(format!("{WRITER}/{session}"))
}

async fn read_session(table: &WarmTable, session: &str) -> Result<Vec<arrow::array::RecordBatch>, WarmError> {
    let columns = PredicateBuilder::new(table.table.schema().fields());
    let predicate = columns.equal("session_id", Datum::String(session.to_owned())).map_err(table.failed("reading"))?;
    table.read(Some(predicate)).await
}

async fn read_candles(table: &WarmTable, session: Option<&str>, query: &CandleQuery) -> Result<Vec<Candle>, WarmError> {
    let predicate = candles::predicate(&table.table, session, query).map_err(table.failed("reading"))?;
    candles::select(table.name, session, query, &table.read(Some(predicate)).await?)
}
