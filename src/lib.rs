//! countersign: the place where AI agents' questions wait, durably, for a person's answer.
//!
//! An agent registers an *interaction* (a confirmation, a request for a secret, or a question) and waits; a person
//! resolves it, or a *trust rule* does; nothing that was acknowledged is ever lost, resolved twice, or resolved as the
//! wrong kind, whatever crashes in between.
//!
//! # The map of the house
//!
//! A word names the same room on every floor: `confirm` is `http/api/confirm.rs`, `service/confirm.rs` and
//! `tests/it/api/confirm.rs`. In reading order:
//!
//! | room | what it is |
//! | --- | --- |
//! | [`domain`] | the words, the rules and the refusals: pure, no I/O, no clock, no SQL, no HTTP |
//! | [`domain::kinds`] | the kinds of interaction, one file each: content, checks, summary, what resolves it |
//! | [`domain::acknowledgement`] | what a person must have seen before an approval counts |
//! | [`domain::matcher`] | what a pattern means, for commands, paths, URLs and the rest |
//! | [`domain::rule_set`] | what many rules decide together |
//! | [`api`] | the wire, once: every body and answer with its checks, and the table of calls |
//! | [`present`] | what pages and commands both say: wording, who resolved it, times, diffs, JSON without hidden characters |
//! | [`rules_file`] | rules as code: TOML with examples |
//! | [`clock`] | what time it is, never backwards; moved by hand in tests |
//! | [`store`] | the database: one writer that commits in groups, a few readers, one file a table |
//! | [`metrics`] | what is counted and measured |
//! | [`waiters`] | which requests wait for which interaction; woken after the commit |
//! | [`sealer`] | secrets at rest |
//! | [`tokens`] | which principal holds which token |
//! | [`service`] | the use cases: one file a verb, one transaction each |
//! | [`http`] | REST: `transport` accepts connections, `middleware` is around each request, `api` has one handler a verb, `error.rs` every error status |
//! | `web` | the pages for people, with `templates/web`; `text.rs` escapes what agents wrote |
//! | [`config`] | every setting: its flag, its environment variable, its default and its limit |
//! | [`logging`] | lines on stderr |
//! | [`credentials`] | the file that lets commands work without configuration |
//! | [`client`] | a client of a running server: one typed method a call |
//! | [`server`] | the process of `countersign serve` |
//! | [`cli`] | the command line |
//!
//! `main → cli → server → web → http → service → store → domain`, with `api` and `present` beside `domain` and `client`
//! below `cli`: each floor knows those below it, none above. Only `store` names rusqlite, r2d2 or refinery; only `http`
//! and `web` name axum. A test (`tests/it/architecture.rs`) holds this. What a content looks like is the same on the wire
//! and in the database, so the domain's types derive both forms and their schema.
//!
//! # What always holds
//!
//! 1. Every resolution is one conditional `UPDATE` whose conditions are the id, the kind, `status = 'pending'` and the
//!    deadline (`store/resolve.rs`), in one transaction with its audit event and whatever else it causes.
//! 2. An answer goes out after COMMIT with `synchronous=FULL`, never before (`store/writer.rs`).
//! 3. Waiters register before they read and wake after COMMIT: no wake-up is lost (`waiters.rs`, `service/queries.rs`).
//! 4. A write reads the clock once, on the writer's thread, so that the times in the history never decrease.
//! 5. A secret's value is sealed before it reaches the store (`sealer/mod.rs`).
//! 6. Every path, method, body and answer of the REST interface stands once, in `api`; the router, the OpenAPI document
//!    and the client are made from it (`api/routes.rs`).
//!
//! # The way of `POST /v1/confirm`
//!
//! 1. `http/transport` accepts the connection; `http/middleware/request.rs` is around the request: its id, its origin, its
//!    token. `http/middleware/auth.rs` has the [`Principal`](domain::principal::Principal) and whether its role may resolve.
//! 2. `http/api/confirm.rs`: a strict JSON body is an [`api::ConfirmBody`], which checks itself, and becomes a
//!    [`Confirm`](service::Confirm). Nothing is locked yet.
//! 3. `service/confirm.rs` hands [`Store::write`](store::Store::write) one closure.
//! 4. In the closure, on the writer's thread: the row is read, the pure domain says yes or why not, acknowledgements are
//!    checked where they are demanded, a selected rule is
//!    checked against what this very interaction offered and inserted, `resolve` runs the one conditional update and
//!    appends the audit event.
//! 5. The group is committed (`store/writer.rs`); then `on_commit` in `service/mod.rs` wakes waiters and moves the feed on,
//!    and the answer goes out.
//!
//! # Glossary
//!
//! | word | meaning |
//! | --- | --- |
//! | interaction | one question of an agent, of one of three *kinds*: confirmation, secret, question |
//! | outcome | how it ended: approved, rejected, answered, expired, cancelled or superseded; its *status* is that, or pending |
//! | resolution | the outcome, with who or what caused it, when, and what was said |
//! | decision | what a confirmation is resolved with: allow or deny |
//! | acknowledgement | what a person has to say beside "yes" before an approval counts |
//! | trust rule | a standing decision for later confirmations; its *terms* are what it says |
//! | subject, pattern, scope | what a rule is matched against, what it covers, where it applies |
//! | claim | the one-time right to act on an approved confirmation |
//! | principal | a name and a role, which hold a token |
//! | audit event | one line of the append-only history; the events form a hash *chain* |
//! | record | an interaction with everything that belongs to it, as the store reads it |
//! | long-poll | a request that waits for a resolution; its *waiter* is woken after the commit |

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
pub mod present;
pub mod rules_file;
pub mod sealer;
pub mod server;
pub mod service;
pub mod store;
pub mod tokens;
pub mod waiters;
mod web;
