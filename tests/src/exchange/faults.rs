//! Everything a venue, a network and a bug can do to a frame, as chances and a seed.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::market::{Frame, FrameKind};
use crate::figures::{HOUR, venue_time};

/// Chances are of one frame, 0 to 1. At most one thing happens to a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    pub seed: u64,
    pub drop: f64,
    pub duplicate: f64,
    /// Held back until 1 to `reorder_distance` later frames have passed, over a cut if one comes between.
    pub reorder: f64,
    pub reorder_distance: u32,
    pub delay: f64,
    pub delay_at_most: Duration,
    pub cut: f64,
    pub cuts: Vec<Cut>,
    pub garbage: f64,
    pub garbage_kinds: Vec<Garbage>,
    /// Nothing more is sent until the client connects again.
    pub silence: f64,
    /// Each costs the client's whole patience.
    pub silences_at_most: u32,
    /// REST answers 429 or 500, or half a body.
    pub rest_refusal: f64,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A close frame.
    Close,
    /// The stream ends between frames.
    End,
    /// The stream ends inside a frame.
    Torn,
    /// RST: what was on its way is lost too.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Garbage {
    /// The first half of a real frame, in its place: the frame is lost.
    Truncated,
    InvalidUtf8,
    Binary,
    DeepNesting,
    TwoMegabytes,
    NotANumber,
    BareNotANumber,
    Negative,
    Zero,
    Overflow,
    HourAhead,
    MissingFields,
    WrongTypes,
    EmptyText,
    UnknownKind,
}

impl Garbage {
    pub const ALL: [Self; 15] = [
        Self::Truncated,
        Self::InvalidUtf8,
        Self::Binary,
        Self::DeepNesting,
        Self::TwoMegabytes,
        Self::NotANumber,
        Self::BareNotANumber,
        Self::Negative,
        Self::Zero,
        Self::Overflow,
        Self::HourAhead,
        Self::MissingFields,
        Self::WrongTypes,
        Self::EmptyText,
        Self::UnknownKind,
    ];

    /// After these RFC 6455 lets a client close, and what it had not read is lost.
    pub fn may_end_the_connection(self) -> bool {
        matches!(self, Self::InvalidUtf8 | Self::TwoMegabytes)
    }
}

/// What goes on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    Text(String),
    Binary(Vec<u8>),
    /// A text message whose bytes are not UTF-8.
    BrokenText(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Deliver,
    Drop,
    /// Now, and again after so many frames.
    Twice(u32),
    /// After so many later frames.
    Hold(u32),
    Delay(Duration),
    Cut(Cut),
    Garbage(Garbage),
    Silence,
}

impl Faults {
    pub fn none() -> Self {
        Self {
            seed: 0,
            drop: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_distance: 1,
            delay: 0.0,
            delay_at_most: Duration::from_millis(200),
            cut: 0.0,
            cuts: vec![Cut::Close, Cut::End, Cut::Torn, Cut::Reset],
            garbage: 0.0,
            garbage_kinds: Garbage::ALL.to_vec(),
            silence: 0.0,
            silences_at_most: 0,
            rest_refusal: 0.0,
        }
    }

    /// Each on its own would be a bad day.
    pub fn all(seed: u64) -> Self {
        Self {
            seed,
            drop: 0.01,
            duplicate: 0.02,
            reorder: 0.03,
            reorder_distance: 24,
            delay: 0.01,
            cut: 0.000_8,
            garbage: 0.01,
            silence: 0.000_3,
            silences_at_most: 1,
            rest_refusal: 0.2,
            ..Self::none()
        }
    }

    /// All that a connection survives, so that what was sent is what was received.
    pub fn that_keep_the_connection(seed: u64) -> Self {
        let garbage_kinds = Garbage::ALL.into_iter().filter(|g| !g.may_end_the_connection()).collect();
        Self { cut: 0.0, silence: 0.0, garbage_kinds, ..Self::all(seed) }
    }
}

/// Decides frame by frame: the same seed and the same number of frames give the same decisions.
pub struct Dice {
    rng: ChaCha8Rng,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed ^ 0x7ade_dec0_fa17_5eed) }
    }

    pub fn decide(&mut self, faults: &Faults) -> Decision {
        let mut roll = f64::from(self.rng.next_u32()) / f64::from(u32::MAX);
        let detail = self.rng.next_u32();
        let mut falls = |chance: f64| {
            let hit = roll < chance;
            roll -= chance;
            hit
        };
        let distance = 1 + detail % faults.reorder_distance.max(1);
        if falls(faults.drop) {
            Decision::Drop
        } else if falls(faults.duplicate) {
            Decision::Twice(distance)
        } else if falls(faults.reorder) {
            Decision::Hold(distance)
        } else if falls(faults.delay) {
            Decision::Delay(faults.delay_at_most.mul_f64(f64::from(detail) / f64::from(u32::MAX)))
        } else if falls(faults.cut) && !faults.cuts.is_empty() {
            Decision::Cut(faults.cuts[detail as usize % faults.cuts.len()])
        } else if falls(faults.garbage) && !faults.garbage_kinds.is_empty() {
            Decision::Garbage(faults.garbage_kinds[detail as usize % faults.garbage_kinds.len()])
        } else if falls(faults.silence) {
            Decision::Silence
        } else {
            Decision::Deliver
        }
    }

    /// True so often.
    pub fn chance(&mut self, chance: f64) -> bool {
        f64::from(self.rng.next_u32()) / f64::from(u32::MAX) < chance
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        self.rng.next_u32() % bound.max(1)
    }
}

/// Garbage made of a real frame where it can be, since the nearly right is worse than noise. `None` where the frame has no
/// number to spoil.
pub fn spoil(frame: &Frame, garbage: Garbage) -> Option<Payload> {
    let text = match garbage {
        Garbage::Truncated => frame.text[..frame.text.len() / 2].to_owned(),
        Garbage::InvalidUtf8 => {
            let mut bytes = frame.text.clone().into_bytes();
            bytes[frame.text.len() / 2] = 0xff;
            return Some(Payload::BrokenText(bytes));
        }
        Garbage::Binary => return Some(Payload::Binary((0..=255).collect())),
        Garbage::DeepNesting => format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)),
        Garbage::TwoMegabytes => format!(r#"{{"type":"match","note":"{}"}}"#, "x".repeat(2 << 20)),
        Garbage::NotANumber => number(frame, r#""NaN""#)?,
        Garbage::BareNotANumber => number(frame, "NaN")?,
        Garbage::Negative => number(frame, r#""-77572.87""#)?,
        Garbage::Zero => number(frame, r#""0.00""#)?,
        Garbage::Overflow => number(frame, r#""92233720368547758070""#)?,
        Garbage::HourAhead => {
            let (now, ahead) = (venue_time(frame.time), venue_time(frame.time + HOUR));
            (frame.kind == FrameKind::Match).then(|| frame.text.replace(&now, &ahead))?
        }
        Garbage::MissingFields => r#"{"type":"match","product_id":"BTC-USD"}"#.to_owned(),
        Garbage::WrongTypes => r#"{"type":"match","trade_id":"many","product_id":7,"price":[],"size":{},"side":null,"sequence":-1,"time":0}"#.to_owned(),
        Garbage::EmptyText => String::new(),
        Garbage::UnknownKind => format!(r#"{{"type":"weather","product_id":"{}","sky":"red"}}"#, frame.pair),
    };
    Some(Payload::Text(text))
}

/// The frame with its price replaced. Only of matches: a ticker's price is its trade's, which the match carries.
fn number(frame: &Frame, value: &str) -> Option<String> {
    if frame.kind != FrameKind::Match {
        return None;
    }
    let start = frame.text.find(r#""price":""#)? + 8;
    let end = start + 1 + frame.text[start + 1..].find('"')? + 1;
    Some(format!("{}{value}{}", &frame.text[..start], &frame.text[end..]))
}
