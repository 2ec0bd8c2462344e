//! What was put aside, and why.

/// As much of the bytes as is kept.
const EXCERPT: usize = 2_048;

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    /// The first is 1; in Parquet, the row.
    pub line: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The first 2 KiB of what came, with what is not UTF-8 replaced.
    pub raw: String,
    /// A sentence for the user.
    pub reason: String,
    pub place: Option<Place>,
}

impl Quarantined {
    pub fn new(raw: &[u8], reason: impl ToString, place: Option<Place>) -> Self {
        Self { raw: excerpt(raw), reason: reason.to_string(), place }
    }
}

fn excerpt(raw: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&raw[..raw.len().min(EXCERPT)]).into_owned();
    // A replacement character is longer than the byte it stands for.
    let mut end = text.len().min(EXCERPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_megabyte_frame_does_not_fill_the_quarantine() {
        for raw in [vec![b'x'; 5_000], vec![0xff; 5_000], "é".repeat(3_000).into_bytes()] {
            let kept = Quarantined::new(&raw, "too long", None);
            assert!(kept.raw.len() <= EXCERPT && kept.raw.len() > EXCERPT - 4, "{}", kept.raw.len());
        }
    }
}
