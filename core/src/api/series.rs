//! Bulk series as bytes: a header, then columns, little-endian, so that the page reads them with typed arrays and no parsing.
//!
//! ```text
//! u32 version = 1 · u32 rows · f64 time_ms[rows] · f64 open[] · f64 high[] · f64 low[] · f64 close[] · f64 volume[]
//! · u32 tick_count[] · u8 quality[]        (0 complete, 1 gap, 2 backfilled, 3 synthetic, 4 late, 5 forming)
//! ```
//! Floats are for drawing only; sums and balances never come from here.

use crate::domain::{Candle, Quality};

const VERSION: u32 = 1;

/// One row, for drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub time_ms: f64,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
    pub tick_count: u32,
    pub quality: Quality,
}

impl From<&Candle> for Row {
    fn from(candle: &Candle) -> Self {
        Self {
            time_ms: candle.window_start.to_ms(),
            open: candle.open.to_f64(),
            high: candle.high.to_f64(),
            low: candle.low.to_f64(),
            close: candle.close.to_f64(),
            volume: candle.volume.to_f64(),
            tick_count: candle.tick_count,
            quality: candle.quality,
        }
    }
}

pub fn encode(rows: &[Row]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + rows.len() * 53);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(rows.len() as u32).to_le_bytes());
    let columns: [fn(&Row) -> f64; 6] = [|r| r.time_ms, |r| r.open, |r| r.high, |r| r.low, |r| r.close, |r| r.volume];
    for column in columns {
        for row in rows {
            bytes.extend_from_slice(&column(row).to_le_bytes());
        }
    }
    for row in rows {
        bytes.extend_from_slice(&row.tick_count.to_le_bytes());
    }
    bytes.extend(rows.iter().map(|row| quality_code(row.quality)));
    bytes
}

fn quality_code(quality: Quality) -> u8 {
    match quality {
        Quality::Complete => 0,
        Quality::Gap => 1,
        Quality::Backfilled => 2,
        Quality::Synthetic => 3,
        Quality::Late => 4,
        Quality::Forming => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_reads_the_columns_where_it_expects_them() {
        let row = Row {
            time_ms: 1.0,
            open: 2.0,
            high: 3.0,
            low: 4.0,
            close: 5.0,
            volume: 6.0,
            tick_count: 7,
            quality: Quality::Forming,
        };
        let bytes = encode(&[row, Row { time_ms: 8.0, ..row }]);
        assert_eq!(bytes.len(), 8 + 2 * (6 * 8 + 4 + 1));
        let float = |at: usize| f64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        assert_eq!((float(8), float(16), float(24)), (1.0, 8.0, 2.0));
        assert_eq!(bytes[8 + 96..8 + 100], 7u32.to_le_bytes());
        assert_eq!(bytes[bytes.len() - 1], 5);
    }
}
