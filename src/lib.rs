//! countersign: the place where AI agents' questions wait, durably, for a person's answer.
//!
//! An agent registers an *interaction* (a confirmation, a request for a secret, or a question) and waits; a person
//! resolves it, or a *trust rule* does; nothing that was acknowledged is ever lost, resolved twice, or resolved as the
//! wrong kind, whatever crashes in between.
//!
//! # The map of the house
//!
//! A word names the same room on every floor: `confirm` is `http/confirm.rs`, `service/confirm.rs` and
//! `tests/it/api/confirm.rs`. In reading order:
//!
//! | room | what it is |
//! | --- | --- |
//! | [`domain`] | the words, the rules and the refusals: pure, no I/O, no clock |
//! | [`domain::matcher`] | what a pattern means, for commands, paths, URLs and the rest |
//! | [`domain::rule_set`] | what many rules decide together |
//! | [`rules_file`] | rules as code: TOML with examples |
//! | [`clock`] | what time it is, never backwards; moved by hand in tests |
//! | [`store`] | the database: one writer that commits in groups, a few readers, one file a table |
//! | [`metrics`] | what is counted and measured |
//! | [`waiters`] | who waits for which interaction; woken after the commit |
//! | [`sealer`] | secrets at rest |
//! | [`tokens`] | who holds which token |
//! | [`service`] | the use cases: one file a verb, one transaction each |
//! | [`http`] | the wire: routes in one table, one file a verb, errors in one file; `http/inbox` is the pages for people, with `templates/inbox` |
//! | [`config`] | every knob |
//! | [`logging`] | lines on stderr |
//! | [`credentials`] | the file that spares a machine's owner all configuration |
//! | [`client`] | what talks to a running server |
//! | [`server`] | the process of `countersign serve` |
//! | [`cli`] | the command line |
//!
//! `main → cli → server → http → service → store → domain`: each floor knows those below it, none above. Only `store`
//! names rusqlite, r2d2 or refinery; only `http` names axum.
//!
//! # What always holds
//!
//! 1. Every resolution is one conditional `UPDATE` whose conditions are the id, the kind, `status = 'pending'` and the
//!    deadline (`store/resolve.rs`), in one transaction with its audit event and whatever else it causes.
//! 2. An answer goes out after COMMIT with `synchronous=FULL`, never before (`store/writer.rs`).
//! 3. Waiters wake after COMMIT, and enter before they look: no wake-up is lost (`waiters.rs`, `service/queries.rs`).
//! 4. A transaction reads the clock once, on the writer's thread, so that the times in the history never decrease.
//! 5. What nobody but the right one may read is sealed before it reaches the store (`sealer.rs`).
//!
//! # The way of `POST /v1/confirm`
//!
//! 1. `http/auth.rs`: a [`Principal`](domain::principal::Principal) from the token, and whether its role may resolve.
//! 2. `http/confirm.rs`: a strict JSON body becomes a [`Confirm`](service::Confirm) of checked types. Nothing is locked yet.
//! 3. `service/confirm.rs` hands [`Store::write`](store::Store::write) one closure.
//! 4. In the closure, on the writer's thread: the row is read, the pure domain says yes or why not, a selected rule is
//!    checked against what this very interaction offered and inserted, `resolve` runs the one conditional update and
//!    appends the audit event.
//! 5. The group is committed; then waiters wake, the feed moves on, and the answer goes out.

pub mod api;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
pub mod credentials;
pub mod domain;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod rules_file;
pub mod sealer;
pub mod server;
pub mod service;
pub mod store;
pub mod tokens;
pub mod waiters;
mod web;
