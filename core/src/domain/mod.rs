//! The vocabulary. Imports nothing of ours; everything else imports it.

pub mod candle;
pub mod digest;
pub mod ids;
pub mod input;
pub mod instrument;
pub mod money;
pub mod month;
pub mod output;
pub mod tick;
pub mod time;

pub use candle::{Candle, Interval, Quality};
pub use digest::Digest;
pub use ids::{ImportId, Seq, Source, TradeId};
pub use input::{Input, Stamped};
pub use instrument::Pair;
pub use money::{Amount, Price, Quantity};
pub use month::{BackfillMonth, Month};
pub use output::Output;
pub use tick::{Arrival, Quote, Side, Tick, TickKind, Trade};
pub use time::{EventTime, ReceivedTime, TapeTime};
