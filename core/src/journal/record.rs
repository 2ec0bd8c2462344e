//! One record: `version u8 = 1 · crc32 u32 LE · postcard(tape_time, input)`, under the key `seq u64 BE`.
//!
//! The checksum covers the key too, so that a record under another's number is found.

use serde::{Deserialize, Serialize};

use crate::domain::{Input, Seq, Stamped, TapeTime};

const VERSION: u8 = 1;
const HEADER: usize = 5;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("it has {0} bytes, fewer than a header")]
    Short(usize),
    #[error("its format is {0}, and this Tapedeck reads up to {VERSION}")]
    Version(u8),
    #[error("its checksum is {found:08x}, and its bytes give {computed:08x}")]
    Checksum { found: u32, computed: u32 },
    #[error("its checksum is right and its content is not an input")]
    Content,
    #[error("its key is not a number")]
    Key,
}

#[derive(Serialize, Deserialize)]
struct Body {
    tape_time: TapeTime,
    input: Input,
}

pub fn encode(seq: Seq, tape_time: TapeTime, input: &Input) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&[VERSION, 0, 0, 0, 0]);
    let mut bytes = postcard::to_extend(&Body { tape_time, input: *input }, bytes)
        .expect("an input has only sized fields, and memory is all postcard needs");
    let crc = checksum(seq, &bytes[HEADER..]);
    bytes[1..HEADER].copy_from_slice(&crc.to_le_bytes());
    bytes
}

pub fn decode(key: &[u8], value: &[u8]) -> Result<Stamped, RecordError> {
    let seq = Seq(u64::from_be_bytes(key.try_into().map_err(|_| RecordError::Key)?));
    let (header, body) = value.split_at_checked(HEADER).ok_or(RecordError::Short(value.len()))?;
    if header[0] != VERSION {
        return Err(RecordError::Version(header[0]));
    }
    let found = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
    let computed = checksum(seq, body);
    if found != computed {
        return Err(RecordError::Checksum { found, computed });
    }
    let Body { tape_time, input } = postcard::from_bytes(body).map_err(|_| RecordError::Content)?;
    Ok(Stamped { seq, tape_time, input })
}

fn checksum(seq: Seq, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&seq.0.to_be_bytes());
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Arrival, EventTime, Price, Quantity, ReceivedTime, Side, Source, Tick, TickKind, Trade, TradeId,
    };

    fn trade() -> Input {
        Input::Tick(Tick {
            source: Source::Live,
            pair: "BTC-USD".parse().expect("a pair"),
            sequence: 135_437_581_854,
            event_time: EventTime::parse("2026-09-02T07:44:10.104422Z").expect("a time"),
            received_time: ReceivedTime::from_nanos(1_788_334_650_115_000_000),
            kind: TickKind::Trade(Trade {
                trade_id: TradeId(1_087_540_758),
                price: Price::parse("77572.87").expect("a price"),
                size: Quantity::parse("0.00000009").expect("a size"),
                taker_side: Some(Side::Sell),
                arrival: Arrival::News,
            }),
        })
    }

    /// Golden bytes: a record written by an older Tapedeck must be readable by every later one.
    #[test]
    fn yesterdays_records_are_readable_today() {
        let bytes = encode(Seq(7), TapeTime::from_nanos(1_788_334_650_104_422_000), &trade());
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, GOLDEN);
        let back = decode(&7u64.to_be_bytes(), &bytes).expect("a whole record");
        assert_eq!(
            back,
            Stamped { seq: Seq(7), tape_time: TapeTime::from_nanos(1_788_334_650_104_422_000), input: trade() }
        );
    }

    const GOLDEN: &str = "016a8621c2e0f9f8eff4b8b8d1310000074254432d5553449efcd5c5f803e0f9d58d99d0b8d131809b84faf4b8b8d13100969cca8604809fb0a5c4c30312010100";

    #[test]
    fn a_flipped_bit_anywhere_is_found() {
        let bytes = encode(Seq(7), TapeTime::from_nanos(1), &trade());
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&7u64.to_be_bytes(), &flipped).is_err(), "bit {bit} went unnoticed");
        }
        assert!(decode(&8u64.to_be_bytes(), &bytes).is_err(), "a record under another's number went unnoticed");
        for length in 0..bytes.len() {
            assert!(
                decode(&7u64.to_be_bytes(), &bytes[..length]).is_err(),
                "a record cut to {length} bytes went unnoticed"
            );
        }
    }
}
