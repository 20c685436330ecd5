//! What a trust rule says of the members of an input beside its subject: texts, which the matcher gives their meaning.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::canonical::canonical_text;

/// The most members that one rule speaks of.
pub const MAX_MEMBERS: usize = 64;

/// The most bytes that their pointers and patterns have together.
pub const MAX_MEMBERS_BYTES: usize = 16 * 1024;

/// Where a value stands in an input: a JSON pointer (RFC 6901). The empty one is the whole input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(String);

impl Pointer {
    /// Of the whole input.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Of the member, or the item, of this name below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}/{}", self.0, name.replace('~', "~0").replace('/', "~1")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `other` or above it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The names that lead to it.
    fn names(&self) -> impl Iterator<Item = String> {
        self.0.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
    }

    /// What stands there in `input`; the whole input is no value of its own.
    #[must_use]
    pub fn find<'v>(&self, input: &'v Map<String, Value>) -> Option<&'v Value> {
        let mut names = self.names();
        let mut found = input.get(&names.next()?)?;
        for name in names {
            found = match found {
                Value::Object(members) => members.get(&name)?,
                Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            };
        }
        Some(found)
    }

    /// An input that has `value` there, and nothing else.
    #[must_use]
    pub fn around(&self, value: Value) -> Map<String, Value> {
        let names = self.names().collect::<Vec<_>>();
        let mut input = Map::new();
        if let Some((first, below)) = names.split_first() {
            let value = below
                .iter()
                .rev()
                .fold(value, |value, name| Value::Object([(name.clone(), value)].into_iter().collect()));
            input.insert(first.clone(), value);
        }
        input
    }

    /// The last name in it, as a person reads it; the whole pointer where it leads further down.
    #[must_use]
    pub fn name(&self) -> String {
        let mut names = self.names();
        match (names.next(), names.next()) {
            (Some(only), None) => only,
            _ => self.0.clone(),
        }
    }
}

impl TryFrom<String> for Pointer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let escapes_are_whole = text.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
        if (text.is_empty() || text.starts_with('/')) && escapes_are_whole {
            return Ok(Self(text));
        }
        Err("a member is named by a JSON pointer: empty, or a slash before each name, with ~0 for ~ and ~1 for /")
    }
}

impl std::str::FromStr for Pointer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which values the members of an input may have: a text pattern for each pointer, in the order of the pointers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Members(BTreeMap<Pointer, String>);

impl Members {
    /// The pattern that stands for any value.
    pub const ANY: &'static str = "*";

    /// Whether it speaks of nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each pointer with its pattern.
    pub fn iter(&self) -> impl Iterator<Item = (&Pointer, &str)> {
        self.0.iter().map(|(pointer, pattern)| (pointer, pattern.as_str()))
    }

    /// The pattern of this very pointer.
    #[must_use]
    pub fn get(&self, pointer: &Pointer) -> Option<&str> {
        self.0.get(pointer).map(String::as_str)
    }

    /// Adds what is said of one member; what was said of it before is gone.
    pub fn insert(&mut self, pointer: Pointer, pattern: String) {
        self.0.insert(pointer, pattern);
    }

    /// Speaks of one member no more.
    pub fn remove(&mut self, pointer: &Pointer) {
        self.0.remove(pointer);
    }

    /// Members that say this.
    ///
    /// # Errors
    ///
    /// If they are more, or longer, than those of a rule may be.
    pub fn new(patterns: BTreeMap<Pointer, String>) -> Result<Self, String> {
        let members = Self(patterns);
        if members.0.len() > MAX_MEMBERS {
            return Err(format!("a rule speaks of at most {MAX_MEMBERS} members"));
        }
        let bytes = members.iter().map(|(pointer, pattern)| pointer.as_str().len() + pattern.len()).sum::<usize>();
        if bytes > MAX_MEMBERS_BYTES {
            return Err(format!("the members of a rule are at most {MAX_MEMBERS_BYTES} bytes together"));
        }
        Ok(members)
    }

    /// Reads the JSON of [`Members::to_json`].
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn from_json(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// As a JSON object.
    #[must_use]
    pub fn to_json(&self) -> String {
        let members = self.0.iter().map(|(pointer, pattern)| (pointer.0.clone(), Value::from(pattern.as_str())));
        Value::Object(members.collect()).to_string()
    }
}

/// The text of a value that patterns are held against: a string is itself, anything else its canonical JSON.
#[must_use]
pub fn value_text(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical_text(value), str::to_owned)
}

/// The pattern that covers `value` alone.
#[must_use]
pub fn pinned(value: &Value) -> String {
    value_text(value).replace('*', "\\*")
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PatternsByPointer)
    }
}

/// Reads the object, in which no pointer comes twice.
struct PatternsByPointer;

impl<'de> Visitor<'de> for PatternsByPointer {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of JSON pointers with a text pattern each")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut patterns = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let slashed = format!("/{name}");
            let pointer = Pointer::try_from(name).map_err(|error| match Pointer::try_from(slashed) {
                Ok(meant) => A::Error::custom(format_args!("{error}; write {:?}", meant.as_str())),
                Err(_) => A::Error::custom(error),
            })?;
            if patterns.contains_key(&pointer) {
                return Err(A::Error::custom(format_args!("the pointer {:?} comes twice", pointer.as_str())));
            }
            patterns.insert(pointer, map.next_value::<String>()?);
        }
        Members::new(patterns).map_err(A::Error::custom)
    }
}

impl utoipa::PartialSchema for Members {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let pointer = utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .pattern(Some("^(/([^~/]|~[01])*)*$"));
        utoipa::openapi::ObjectBuilder::new()
            .max_properties(Some(MAX_MEMBERS))
            .property_names(Some(pointer))
            .additional_properties(Some(
                utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String),
            ))
            .into()
    }
}

impl utoipa::ToSchema for Members {
    fn name() -> std::borrow::Cow<'static, str> {
        "Members".into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pointer_is_one_of_rfc_6901() {
        for bad in ["a", "/a~", "/a~2", "a/b", "~0"] {
            assert!(bad.parse::<Pointer>().is_err(), "{bad:?} was taken");
        }
        let input = json!({"a/b": {"~": [1, {"c": 2}]}, "": 3});
        let input = input.as_object().unwrap();
        let found = |text: &str| text.parse::<Pointer>().unwrap().find(input).cloned();
        assert_eq!(found("/a~1b/~0/1/c"), Some(json!(2)));
        assert_eq!(found("/"), Some(json!(3)));
        assert_eq!((found(""), found("/a~1b/x"), found("/a~1b/~0/2")), (None, None, None));
        let around = |text: &str| Value::Object(text.parse::<Pointer>().unwrap().around(json!(1))).to_string();
        assert_eq!((around("/a"), around("/a/b~1c")), (r#"{"a":1}"#.to_owned(), r#"{"a":{"b/c":1}}"#.to_owned()));
        assert_eq!(Pointer::root().child("a/b").child("~").as_str(), "/a~1b/~0");
    }

    #[test]
    fn a_pointer_covers_itself_and_what_is_below_it_by_whole_names() {
        let covers = |a: &str, b: &str| a.parse::<Pointer>().unwrap().covers(&b.parse().unwrap());
        assert!(covers("", "/a") && covers("/a", "/a") && covers("/a", "/a/b"));
        assert!(!covers("/a", "/ab") && !covers("/a/b", "/a") && !covers("/a", ""));
    }

    #[test]
    fn no_pointer_comes_twice_and_there_is_an_end_to_them() {
        assert!(Members::from_json(r#"{"/a":"x","/a":"y"}"#).unwrap_err().contains("twice"));
        assert!(Members::from_json(r#"{"/a":1}"#).is_err());
        assert!(Members::from_json(r#"{"host":"x"}"#).unwrap_err().contains("write \"/host\""));
        let many = (0..=MAX_MEMBERS).map(|n| (Pointer::root().child(&n.to_string()), String::new())).collect();
        assert!(Members::new(many).is_err());
        assert!(Members::new([(Pointer::root(), "x".repeat(MAX_MEMBERS_BYTES + 1))].into()).is_err());
        let members = Members::from_json(r#"{"/b":"\u0000*","":"x"}"#).unwrap();
        assert_eq!(Members::from_json(&members.to_json()).unwrap(), members);
    }
}
