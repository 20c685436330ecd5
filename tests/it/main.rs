//! The integration tests, in one binary: a file for each verb, and the proofs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod audit;
mod auth;
mod backup;
mod bad_input;
mod bad_request;
mod browser;
mod canary;
mod cancel;
mod chain;
mod claim;
mod cli;
mod commands;
mod confirm;
mod corpus;
mod demo;
mod doctor;
mod door;
mod exact_numbers;
mod expire;
mod framing;
mod fuzz_corpus;
#[path = "../harness/mod.rs"]
mod harness;
mod inbox;
mod key;
mod list;
mod matcher_properties;
mod matcher_time;
#[path = "../matching/mod.rs"]
mod matching;
mod matrix;
mod migrate;
mod observe;
mod openapi;
mod question;
mod race;
mod readme;
mod refuse;
mod refused_registration;
mod register;
mod restart;
mod routes;
mod rule_races;
mod rules_cli;
mod secret;
mod shutdown;
mod slow;
mod store;
mod supersede;
mod trust_rules;
mod wait;
mod watch;
mod wire;
