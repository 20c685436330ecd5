//! The integration tests, in one binary: a file for each verb, and the proofs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod architecture;
mod audit;
mod cli;
mod confirm;
mod crash;
mod harness;
mod refuse;
mod restart;
mod shutdown;
mod trust_rules;
