//! The integration tests, in one binary: a file for each verb, and the proofs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cancel;
mod claim;
mod confirm;
mod expire;
mod harness;
mod matrix;
mod question;
mod race;
mod secret;
mod supersede;
mod wait;
