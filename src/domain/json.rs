//! JSON that belongs to the agent: kept to the letter.
//!
//! An input is stored and handed back exactly as the text that came in. Beside the text its tree is kept, read strictly:
//! no duplicate keys, no nesting past 127 levels, no number that would change when it is read as 64 bits or a double.

use std::fmt;
use std::sync::OnceLock;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::canonical::canonical_object;
use super::number::{NUMBER_OUT_OF_RANGE, check_numbers};

/// A JSON object, as text and as a tree. Serializes to the very text that it was read from.
#[derive(Clone, Debug)]
pub struct JsonObject {
    text: Box<RawValue>,
    tree: OnceLock<Map<String, Value>>,
}

impl JsonObject {
    /// The text, as it came in.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.get()
    }

    /// The member `key`, where it is a string.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<&str> {
        self.tree().get(key).and_then(Value::as_str)
    }

    /// The tree.
    #[must_use]
    pub fn tree(&self) -> &Map<String, Value> {
        // The text was read strictly once: reading it again cannot fail.
        self.tree.get_or_init(|| serde_json::from_str(self.text.get()).unwrap_or_default())
    }

    /// Reads an object that was written down; its tree is made when it is asked for.
    ///
    /// # Errors
    ///
    /// When the text is no strict JSON object.
    pub fn from_json(text: &str) -> serde_json::Result<Self> {
        let mut object: Self = serde_json::from_str(text)?;
        object.drop_tree();
        Ok(object)
    }

    /// Forgets the tree, which takes several times the memory of the text, until it is asked for again.
    pub fn drop_tree(&mut self) {
        self.tree.take();
    }

    /// The canonical form.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical_object(self.tree())
    }
}

/// Reads an optional member of a body: one that is `null` is as if it were absent.
pub(crate) fn null_as_absent<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads an optional member whose `null` says "any", and that is left out where it is not spoken of.
pub(crate) fn null_as_any<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// The same of a member that says yes where it is absent.
pub(crate) fn null_as_yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(true))
}

/// `value` as JSON; of about `room` bytes, so that what is written is not copied while it grows.
///
/// # Errors
///
/// If it has no form in JSON.
pub(super) fn written(value: &impl Serialize, room: usize) -> serde_json::Result<String> {
    let mut json = Vec::with_capacity(room);
    serde_json::to_writer(&mut json, value)?;
    String::from_utf8(json).map_err(serde::ser::Error::custom)
}

super::schema::described!(
    JsonObject,
    utoipa::openapi::ObjectBuilder::new()
        .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(true)))
        .into()
);

impl Default for JsonObject {
    /// `{}`
    fn default() -> Self {
        // These two characters are JSON.
        let text = RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { text, tree: OnceLock::new() }
    }
}

impl PartialEq for JsonObject {
    /// Equal when the canonical forms are: the order of members and white space do not count.
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        check_numbers(text.get()).map_err(D::Error::custom)?;
        match strict(text.get()).map_err(D::Error::custom)? {
            Value::Object(tree) => Ok(Self { text, tree: OnceLock::from(tree) }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(D::Error::custom("expected a JSON object"))
            }
        }
    }
}

/// Lets structs that derive with `remote = "Self"` be read from JSON objects alone: what is derived takes an array of the
/// fields in their order, too, which is no form of ours.
macro_rules! objects_only {
    ($($name:ident),+) => {
        $(
            impl<'de> serde::Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Members;

                    impl<'de> serde::de::Visitor<'de> for Members {
                        type Value = $name;

                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("a JSON object")
                        }

                        fn visit_map<A: serde::de::MapAccess<'de>>(self, members: A) -> Result<$name, A::Error> {
                            // The derived function, which hides the trait's.
                            $name::deserialize(serde::de::value::MapAccessDeserializer::new(members))
                        }
                    }

                    deserializer.deserialize_map(Members)
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    $name::serialize(self, serializer)
                }
            }
        )+
    };
}

pub(crate) use objects_only;

/// Reads one JSON document; refuses duplicate keys at any depth.
fn strict(text: &str) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a [`Value`], refusing duplicate keys, which serde_json's own would silently drop.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(NUMBER_OUT_OF_RANGE))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key {key:?}")));
            }
            let value = members.next_value_seed(Self)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Result<JsonObject, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_text_comes_back_to_the_letter() {
        for text in [r#"{ "b" : 18446744073709551615,"a":[1.0, -9223372036854775808] }"#, r#"{"x":1e2,"y":"\u00e9"}"#] {
            assert_eq!(serde_json::to_string(&object(text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn a_number_that_would_change_is_refused() {
        for number in [
            "18446744073709551616",
            "-9223372036854775809",
            "9007199254740993.0",
            "1e400",
            "1e-400",
            "0.1000000000000000055511151231257827",
            "1e99999999999999999999",
        ] {
            let error = object(&format!(r#"{{"deep":[{{"n":{number}}}]}}"#)).unwrap_err();
            assert!(error.contains(NUMBER_OUT_OF_RANGE), "{number}: {error}");
        }
        for number in
            ["0", "-0", "-0.0", "0.1", "1.50", "1E2", "100000000000000000000", "5e-324", "0e99999999999999999999"]
        {
            assert!(object(&format!(r#"{{"n":{number},"text":"1e400 \" 1e400"}}"#)).is_ok(), "{number} was refused");
        }
    }

    #[test]
    fn duplicate_keys_and_nesting_bombs_are_refused_at_any_depth() {
        assert!(object(r#"{"a":[{"b":1,"b":2}]}"#).unwrap_err().contains("duplicate key"));
        assert!(object(r#"{"b":1,"\u0062":2}"#).unwrap_err().contains("duplicate key"));
        let bomb = format!(r#"{{"a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(object(&bomb).is_err());
        assert!(object("[]").is_err());
    }
}
