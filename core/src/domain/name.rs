//! Short ASCII names, held in place, so that copying one is free.

use std::fmt;

use serde::{Deserializer, Serializer, de};

/// Up to `CAPACITY` bytes of ASCII. What is allowed in one is decided by the type that wraps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name<const CAPACITY: usize> {
    bytes: [u8; CAPACITY],
    length: u8,
}

impl<const CAPACITY: usize> Name<CAPACITY> {
    /// None when it is empty, too long, or has a byte that is not `allowed`.
    pub(super) fn new(text: &str, allowed: impl Fn(u8) -> bool) -> Option<Self> {
        const { assert!(CAPACITY <= u8::MAX as usize) };
        let fits = (1..=CAPACITY).contains(&text.len());
        if !fits || !text.bytes().all(|b| b.is_ascii() && allowed(b)) {
            return None;
        }
        let mut bytes = [0; CAPACITY];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: text.len() as u8 })
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("a name holds ASCII")
    }

    pub(super) fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Reads a name by the rules of the type that wraps it. A visitor, so that reading a journal allocates nothing for its names.
pub(super) fn deserialize<'de, D, T>(deserializer: D, expecting: &'static str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    struct Text<T>(&'static str, std::marker::PhantomData<T>);
    impl<T: std::str::FromStr<Err: fmt::Display>> de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text(expecting, std::marker::PhantomData))
}
