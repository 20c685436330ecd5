//! countersign
pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod sealer;
pub mod server;
pub mod service;
pub mod store;
pub mod tokens;
pub mod waiters;
