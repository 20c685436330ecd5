//! Whole numbers between bounds, as people write them in JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// A number of milliseconds that something lives: at most a hundred years, which is more than any agent waits, and far from
/// where dates end.
pub type LifetimeMs = BoundedU64<1, 3_200_000_000_000>;

/// How many times a rule may decide.
pub type Uses = BoundedU64<1, 4_294_967_295>;

/// A whole number from `LOW` to `HIGH`. As in JSON itself, `3.0` is one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedU64<const LOW: u64, const HIGH: u64>(u64);

impl<const LOW: u64, const HIGH: u64> BoundedU64<LOW, HIGH> {
    /// `number`, if it is between the bounds.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if LOW <= number && number <= HIGH { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const LOW: u64, const HIGH: u64> utoipa::PartialSchema for BoundedU64<LOW, HIGH> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(LOW)).maximum(Some(HIGH)).into()
    }
}

impl<const LOW: u64, const HIGH: u64> utoipa::ToSchema for BoundedU64<LOW, HIGH> {}

impl<const LOW: u64, const HIGH: u64> Serialize for BoundedU64<LOW, HIGH> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de, const LOW: u64, const HIGH: u64> Deserialize<'de> for BoundedU64<LOW, HIGH> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(Number::<LOW, HIGH>)
    }
}

struct Number<const LOW: u64, const HIGH: u64>;

impl<const LOW: u64, const HIGH: u64> Visitor<'_> for Number<LOW, HIGH> {
    type Value = BoundedU64<LOW, HIGH>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {LOW} to {HIGH}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        BoundedU64::new(number).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        // Every bound here is far below 2^53: what is in range and whole is exact.
        #[expect(clippy::cast_precision_loss, reason = "the bounds are exact as doubles")]
        let in_range = (LOW as f64..=HIGH as f64).contains(&number);
        if in_range && number.fract() == 0.0 {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
            return Ok(BoundedU64(number as u64));
        }
        Err(E::invalid_value(serde::de::Unexpected::Float(number), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_number_between_the_bounds_is_one() {
        type Small = BoundedU64<1, 10>;
        for (text, number) in [("1", 1), ("10", 10), ("3.0", 3), ("1e1", 10)] {
            assert_eq!(serde_json::from_str::<Small>(text).unwrap().get(), number);
        }
        for bad in ["0", "11", "-1", "2.5", "1e300", "-0.0", "\"3\"", "null"] {
            let error = serde_json::from_str::<Small>(bad).unwrap_err().to_string();
            assert!(error.contains("a whole number from 1 to 10"), "{bad}: {error}");
        }
    }
}
