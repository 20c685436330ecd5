//! The integration tests, in one binary: a file for each verb, and the proofs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod confirm;
mod harness;
mod trust_rules;
