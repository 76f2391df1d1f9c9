//! JSON that is kept byte by byte, and only if whoever reads it later can.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Common readers stop at 64 levels, and a page of events has four around the data.
const MAX_DEPTH: usize = 60;

/// Says why strict readers could not read this text. What merely looks like JSON passes as a [`RawValue`]: half of a
/// surrogate pair, a number beyond every float, and any depth. Nothing is built of it: data may be large.
pub(super) fn check(text: &[u8]) -> Result<(), String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    Strictly { levels_left: MAX_DEPTH }
        .deserialize(&mut reader)
        .and_then(|()| reader.end())
        .map_err(|error| format!("is not JSON: {error}"))
}

/// The text as it came.
pub(super) fn keep(text: &[u8]) -> Result<Box<RawValue>, String> {
    check(text)?;
    serde_json::from_slice(text).map_err(|error| format!("is not JSON: {error}"))
}

/// Reads a value and forgets it.
#[derive(Clone, Copy)]
struct Strictly {
    levels_left: usize,
}

impl Strictly {
    fn below<E: Error>(self) -> Result<Self, E> {
        let levels_left = self.levels_left.checked_sub(1);
        let levels_left = levels_left.ok_or_else(|| E::custom(format!("it has more than {MAX_DEPTH} levels")))?;
        Ok(Self { levels_left })
    }
}

impl<'de> DeserializeSeed<'de> for Strictly {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strictly {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while items.next_element_seed(below)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while members.next_key_seed(below)?.is_some() {
            members.next_value_seed(below)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strict_readers_cannot_read_is_not_kept() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for bad in [r#""\ud800""#, r#"{"a":"\udc00"}"#, "1e999", "[-1e999]", "{", "", &nested(61), &nested(10_000)] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        for good in [r#""\ud83d\ude00""#, "1e308", "1.00000000000000000001", &nested(60)] {
            assert_eq!(keep(good.as_bytes()).unwrap().get(), good);
        }
    }
}
