//! A message of the Model Context Protocol, as it comes over HTTP: one JSON-RPC request or notification.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::domain::json::JsonObject;

/// One JSON-RPC request or notification of the Model Context Protocol.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct McpMessage {
    /// `2.0`.
    pub jsonrpc: JsonRpc,
    /// The request's id; a notification has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<McpId>,
    /// What is called: `tools/call`, say.
    pub method: String,
    /// What it is called with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<JsonObject>,
}

/// The version of JSON-RPC.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String")]
pub enum JsonRpc {
    /// The only one.
    #[serde(rename = "2.0")]
    V2,
}

impl TryFrom<String> for JsonRpc {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "2.0" { Ok(Self::V2) } else { Err("the version of JSON-RPC is 2.0") }
    }
}

/// The id of a JSON-RPC request: a string or an integer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(untagged)]
pub enum McpId {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

impl<'de> Deserialize<'de> for McpId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Id;

        impl serde::de::Visitor<'_> for Id {
            type Value = McpId;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_str<E>(self, text: &str) -> Result<McpId, E> {
                Ok(McpId::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<McpId, E> {
                Ok(McpId::Number(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<McpId, E> {
                i64::try_from(number).map(McpId::Number).map_err(|_| E::custom("an id is at most 2^63 - 1"))
            }

            /// `3.0` is an integer, too; up to 2^53 such a number is exact.
            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<McpId, E> {
                if number.fract() != 0.0 || number.abs() > 9_007_199_254_740_992.0 {
                    return Err(E::invalid_value(serde::de::Unexpected::Float(number), &self));
                }
                #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
                Ok(McpId::Number(number as i64))
            }
        }

        deserializer.deserialize_any(Id)
    }
}

/// One JSON-RPC response of the Model Context Protocol: a result, or an error.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct McpAnswer {
    /// `2.0`.
    pub jsonrpc: JsonRpc,
    /// That of the request; null where it could not be read.
    pub id: Option<McpId>,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<JsonObject>,
    /// Why nothing came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JsonObject>,
}
