//! The integration tests, in one binary: a file for each verb, and the proofs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod auth;
mod bad_input;
mod bad_request;
mod confirm;
mod exact_numbers;
mod framing;
mod harness;
mod list;
mod refused_registration;
mod register;
mod routes;
mod wire;
