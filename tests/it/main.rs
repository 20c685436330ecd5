//! The integration tests, in one binary: a folder for each part of the product, in it a file for each verb or command.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod acknowledgements;
mod acp;
mod api;
mod architecture;
mod audit;
mod cli;
mod dependencies;
mod dialects;
mod documents;
mod finding;
#[path = "../harness/mod.rs"]
mod harness;
mod hooks;
mod inbox;
mod limits;
mod matcher;
#[path = "../matching/mod.rs"]
mod matching;
mod mcp;
mod notices;
mod ops;
mod postgres;
mod retention;
mod rules;
mod store;
