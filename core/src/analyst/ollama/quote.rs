//! Words of a server that may be shown.

use std::fmt;

/// Characters.
pub const LONGEST_QUOTE: usize = 200;
/// Enough for the longest quote of the widest characters, and for some that are left out.
const MOST_BYTES_READ: usize = 4 << 10;

/// At most 200 printable characters on one line. Nothing in it moves a cursor, hides what follows or turns its direction.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Quote(String);

impl Quote {
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// What is not UTF-8 shows as �.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let read = &bytes[..bytes.len().min(MOST_BYTES_READ)];
        let mut kept = String::new();
        let mut length = 0;
        let mut cut = read.len() < bytes.len();
        for character in String::from_utf8_lossy(read).chars() {
            let character = if character.is_whitespace() { ' ' } else { character };
            if is_unseen(character) || (character == ' ' && (kept.is_empty() || kept.ends_with(' '))) {
                continue;
            }
            if length == LONGEST_QUOTE {
                cut = true;
                break;
            }
            kept.push(character);
            length += 1;
        }
        let mut kept = kept.trim_end().to_owned();
        if cut {
            if kept.chars().count() == LONGEST_QUOTE {
                kept.pop();
            }
            kept.push('…');
        }
        Self(kept)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Controls, and the characters without width that hide or reorder what is beside them.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
