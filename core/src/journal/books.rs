//! What the live desk did, as the engine gave it: a projection of the records, thrown away and rebuilt at will.
//!
//! The transfers are a chain, each with the hash of the one before. How many there are and the last one's hash lie apart from them, so that
//! a tail that was cut off is missed.

use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch};
use serde::{Deserialize, Serialize};

use super::{Journal, JournalError, JournalReader};
use crate::domain::{Decision, DeskOutput, Fill, OrderId, OrderReport, Seq, Step, TapeTime, Transfer};
use crate::ledger::Head;

/// What a desk did, and the input that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    pub seq: Seq,
    pub tape_time: TapeTime,
    pub output: DeskOutput,
}

/// A fill with the input that made it, which is its print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFill {
    pub seq: Seq,
    pub tape_time: TapeTime,
    pub fill: Fill,
}

/// A decision with the input it was taken on, which is its recall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredDecision {
    pub seq: Seq,
    pub decision: Decision,
}

/// How an order stood last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredOrder {
    /// Of the input it was placed by.
    pub placed: Seq,
    pub placed_at: TapeTime,
    /// Of the input that changed it last.
    pub changed: Seq,
    pub changed_at: TapeTime,
    pub report: OrderReport,
}

#[derive(Clone)]
pub(super) struct Books {
    transfers: Keyspace,
    fills: Keyspace,
    orders: Keyspace,
    decisions: Keyspace,
}

impl Books {
    pub(super) fn open(database: &Database) -> Result<Self, JournalError> {
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        Ok(Self {
            transfers: keyspace("transfers")?,
            fills: keyspace("fills")?,
            orders: keyspace("orders")?,
            decisions: keyspace("decisions")?,
        })
    }

    pub(super) fn store(
        &self,
        batch: &mut OwnedWriteBatch,
        facts: &Keyspace,
        deeds: &[Deed],
    ) -> Result<(), JournalError> {
        let mut orders = std::collections::BTreeMap::<OrderId, StoredOrder>::new();
        let mut place = (Seq::default(), 0u32);
        for deed in deeds {
            match &deed.output {
                DeskOutput::Transfer(transfer) => {
                    batch.insert(&self.transfers, transfer.number.to_be_bytes(), bytes(transfer));
                    let head = Head { count: transfer.number, hash: transfer.hash };
                    batch.insert(facts, "ledger_head", bytes(&head));
                }
                DeskOutput::Fill(fill) => {
                    place = if place.0 == deed.seq { (deed.seq, place.1 + 1) } else { (deed.seq, 0) };
                    let key = [deed.seq.0.to_be_bytes().as_slice(), &place.1.to_be_bytes()].concat();
                    let stored = StoredFill { seq: deed.seq, tape_time: deed.tape_time, fill: *fill };
                    batch.insert(&self.fills, key, bytes(&stored));
                }
                DeskOutput::Order(report) => {
                    let id = report.order.id;
                    let before = match orders.get(&id) {
                        Some(order) => Some(*order),
                        None => self.order(id)?.filter(|order| order.placed <= deed.seq),
                    };
                    let (placed, placed_at) =
                        before.map_or((deed.seq, deed.tape_time), |order| (order.placed, order.placed_at));
                    let order = StoredOrder {
                        placed,
                        placed_at,
                        changed: deed.seq,
                        changed_at: deed.tape_time,
                        report: *report,
                    };
                    orders.insert(id, order);
                }
                // An input asks about one pair.
                DeskOutput::Decision(decision) => {
                    batch.insert(&self.decisions, deed.seq.0.to_be_bytes(), bytes(decision));
                }
                DeskOutput::Refused { .. } | DeskOutput::Exists { .. } | DeskOutput::Risk { .. } => {}
            }
        }
        for (id, order) in orders {
            batch.insert(&self.orders, id.as_str(), bytes(&order));
        }
        Ok(())
    }

    fn transfers(&self, from: u64) -> impl DoubleEndedIterator<Item = Result<Transfer, JournalError>> + use<> {
        self.transfers.range(from.to_be_bytes()..).map(|guard| {
            let (key, value) = guard.into_inner()?;
            read("transfers", &key, &value)
        })
    }

    fn fills(&self, from: Seq) -> impl DoubleEndedIterator<Item = Result<StoredFill, JournalError>> + use<> {
        self.fills.range(from.0.to_be_bytes().to_vec()..).map(|guard| {
            let (key, value) = guard.into_inner()?;
            read("fills", &key, &value)
        })
    }

    fn decisions(&self, from: Seq) -> impl DoubleEndedIterator<Item = Result<StoredDecision, JournalError>> + use<> {
        self.decisions.range(from.0.to_be_bytes()..).map(|guard| {
            let (key, value) = guard.into_inner()?;
            let decision = read("decisions", &key, &value)?;
            let number = key.as_ref().try_into().expect("a decision's key is eight bytes");
            Ok(StoredDecision { seq: Seq(u64::from_be_bytes(number)), decision })
        })
    }

    fn all_orders(&self) -> impl Iterator<Item = Result<StoredOrder, JournalError>> + use<> {
        self.orders.iter().map(|guard| {
            let (key, value) = guard.into_inner()?;
            read("orders", &key, &value)
        })
    }

    fn order(&self, id: OrderId) -> Result<Option<StoredOrder>, JournalError> {
        self.orders.get(id.as_str())?.map(|value| read("orders", id.as_str().as_bytes(), &value)).transpose()
    }

    pub(super) fn forget(&self, facts: &Keyspace) -> Result<(), JournalError> {
        for keyspace in [&self.transfers, &self.fills, &self.orders, &self.decisions] {
            keyspace.clear()?;
        }
        Ok(facts.remove("ledger_head")?)
    }
}

impl Journal {
    /// Where the chain of transfers ends; nothing when there is none.
    pub fn ledger_head(&self) -> Result<Head, JournalError> {
        match self.facts.get("ledger_head")? {
            None => Ok(Head::default()),
            Some(value) => read("facts", b"ledger_head", &value),
        }
    }

    /// Transfers numbered `from` and up, as they are stored.
    pub fn transfers(&self, from: u64) -> impl DoubleEndedIterator<Item = Result<Transfer, JournalError>> {
        self.books.transfers(from)
    }

    /// Fills of inputs from `from` on, in order.
    pub fn fills(&self, from: Seq) -> impl DoubleEndedIterator<Item = Result<StoredFill, JournalError>> {
        self.books.fills(from)
    }

    /// Every order as it stood last, by name.
    pub fn orders(&self) -> impl Iterator<Item = Result<StoredOrder, JournalError>> {
        self.books.all_orders()
    }
}

impl JournalReader {
    /// Transfers of steps after this one, in order.
    pub fn transfers_after(&self, step: Step) -> Result<Vec<Transfer>, JournalError> {
        let newest = self.books.transfers(0).rev();
        let mut found: Vec<Transfer> =
            newest.take_while(|t| t.as_ref().map_or(true, |t| t.step > step)).collect::<Result<_, _>>()?;
        found.reverse();
        Ok(found)
    }

    /// The first so many transfers.
    pub fn transfers_to(&self, count: u64) -> Result<Vec<Transfer>, JournalError> {
        self.books.transfers(0).take(usize::try_from(count).unwrap_or(usize::MAX)).collect()
    }

    /// Fills of inputs through this one, in order.
    pub fn fills_to(&self, seq: Seq) -> Result<Vec<StoredFill>, JournalError> {
        let through = |fill: &Result<StoredFill, JournalError>| fill.as_ref().map_or(true, |fill| fill.seq <= seq);
        self.books.fills(Seq(0)).take_while(through).collect()
    }

    /// The newest decisions on inputs through this one, newest first.
    pub fn decisions_to(&self, seq: Seq) -> impl Iterator<Item = Result<StoredDecision, JournalError>> {
        let beyond = move |decision: &Result<StoredDecision, JournalError>| {
            decision.as_ref().is_ok_and(|decision| decision.seq > seq)
        };
        self.books.decisions(Seq(0)).rev().skip_while(beyond)
    }

    /// As [`Journal::orders`].
    pub fn orders(&self) -> Result<Vec<StoredOrder>, JournalError> {
        self.books.all_orders().collect()
    }

    /// Fills of inputs after this one, in order.
    pub fn fills_after(&self, seq: Seq) -> Result<Vec<StoredFill>, JournalError> {
        self.books.fills(seq.next()).collect()
    }
}

#[cfg(test)]
impl Journal {
    /// As a disk, or somebody, might change the stored ledger.
    pub(crate) fn put_transfers_as(&mut self, transfers: &[(u64, Option<Transfer>)]) {
        for (number, transfer) in transfers {
            let key = number.to_be_bytes();
            match transfer {
                Some(transfer) => self.books.transfers.insert(key, bytes(transfer)).expect("stored"),
                None => self.books.transfers.remove(key).expect("removed"),
            }
        }
    }
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).expect("it has only sized fields, and memory is all postcard needs")
}

fn read<T: serde::de::DeserializeOwned>(keyspace: &'static str, key: &[u8], value: &[u8]) -> Result<T, JournalError> {
    postcard::from_bytes(value).map_err(|_| {
        let key = match <[u8; 8]>::try_from(key) {
            Ok(number) => u64::from_be_bytes(number).to_string(),
            Err(_) => String::from_utf8_lossy(key).into_owned(),
        };
        JournalError::DamagedEntry { keyspace, key }
    })
}
