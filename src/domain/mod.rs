//! What countersign is about, and nothing else: no I/O, no clock, no SQL, no HTTP.

pub mod acknowledgement;
pub mod audit;
pub mod bounded;
pub mod canonical;
pub mod chain;
pub mod enums;
pub mod id;
pub mod interaction;
pub mod json;
pub mod kinds;
pub mod matcher;
pub mod members;
pub mod number;
pub mod origin;
pub mod pattern;
pub mod principal;
pub mod refused;
pub mod rule_set;
pub(crate) mod schema;
pub mod secret_value;
pub mod tool_call;
pub mod tools;
pub mod traceparent;
pub mod trust_rule;
pub mod visible;
pub mod warning;
