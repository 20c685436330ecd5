//! A value together with the text that it was read from.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A value and, where it was read from JSON, the very text: a newer server may have said more than this program knows.
#[derive(Clone, Debug)]
pub struct WithRaw<T> {
    /// What it says.
    pub value: T,
    raw: Option<Box<RawValue>>,
}

impl<T: Serialize> WithRaw<T> {
    /// The text that it was read from, or else the value as JSON.
    #[must_use]
    pub fn json(&self) -> Cow<'_, str> {
        match &self.raw {
            Some(raw) => Cow::Borrowed(raw.get()),
            // A value of the wire's own types is JSON.
            None => serde_json::to_string(&self.value).unwrap_or_default().into(),
        }
    }
}

impl<T> From<T> for WithRaw<T> {
    fn from(value: T) -> Self {
        Self { value, raw: None }
    }
}

impl<T: Serialize> Serialize for WithRaw<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.raw {
            Some(raw) => raw.serialize(serializer),
            None => self.value.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for WithRaw<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let value = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        Ok(Self { value, raw: Some(raw) })
    }
}

impl<T: PartialSchema> PartialSchema for WithRaw<T> {
    fn schema() -> RefOr<Schema> {
        T::schema()
    }
}

impl<T: ToSchema> ToSchema for WithRaw<T> {
    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
