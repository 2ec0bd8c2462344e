//! The vocabulary. Imports nothing of ours; everything else imports it.

pub mod candle;
pub mod digest;
pub mod fill;
pub mod ids;
pub mod input;
pub mod instrument;
pub mod money;
pub mod month;
mod name;
pub mod order;
pub mod output;
pub mod settings;
pub mod signal;
pub mod tick;
pub mod time;
pub mod transfer;

pub use candle::{Candle, Interval, Quality};
pub use digest::Digest;
pub use fill::{Fill, FillId, OrderReport, OrderState, Reason};
pub use ids::{ImportId, Seq, Source, TradeId};
pub use input::{Input, Stamped};
pub use instrument::{Asset, Pair};
pub use money::{Amount, Price, Quantity, Rate};
pub use month::{BackfillMonth, Month};
pub use order::{Action, Amendment, Command, Order, OrderId, RiskState, Terms, TimeInForce, Trail};
pub use output::{DeskOutput, Output};
pub use settings::{BeyondQuote, OnBreaker, PairRules, Settings};
pub use signal::{
    Decision, Demand, Lean, Matches, NoteId, Opinion, Recall, Stance, Thresholds, Verdict, Vote, Votes, Why,
};
pub use tick::{Arrival, Quote, Side, Tick, TickKind, Trade};
pub use time::{EventTime, ReceivedTime, TapeTime};
pub use transfer::{Account, Cause, ChainHash, Leg, Step, Transfer, TransferId};
