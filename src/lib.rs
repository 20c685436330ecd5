//! countersign: the place where AI agents' questions wait, durably, for a person's answer.
//!
//! An agent registers an *interaction* (a confirmation or a question, say) and waits; a person
//! resolves it, or a *trust rule* does; nothing that was acknowledged is ever lost, resolved twice, or resolved as the
//! wrong kind, whatever crashes in between.
//!
//! # The map
//!
//! A word names the same thing on every layer: `confirm` is `http/api/confirm.rs`, `service/confirm.rs` and
//! `tests/it/api/confirm.rs`. In reading order:
//!
//! | module | what it is |
//! | --- | --- |
//! | [`domain`] | the words, the rules and the refusals: pure, no I/O, no clock, no SQL, no HTTP |
//! | [`domain::kinds`] | the kinds of interaction, one file each: content, checks, summary, what resolves it |
//! | [`domain::acknowledgement`] | what a person must have seen before an approval counts |
//! | [`domain::matcher`] | what a pattern means, for commands, paths, URLs and the rest; and the signs of a call, which decide nothing |
//! | [`domain::query`] | the one query of every list: how it is written, and what its words are looked up in |
//! | [`domain::rule_set`] | what many rules decide together, and why a person is asked |
//! | [`domain::stats`] | the numbers: what was asked by day and by agent, and how it ended |
//! | [`dialects`] | the wires of other programs (hooks of agents' clients, MCP, AAP, HumanLayer, Vellum) in the words of the domain and back: pure |
//! | [`api`] | the wire, once: every body and answer with its checks, and the table of calls |
//! | `connect` | the clients of agents: what is to stand in their settings, or in a program, so that it asks here |
//! | [`present`] | what pages and commands both say: wording, who resolved it, times, diffs, JSON without hidden characters |
//! | [`rules_file`] | rules as code: TOML with examples |
//! | [`clock`] | what time it is, never backwards; moved by hand in tests |
//! | [`store`] | the database: one writer that commits in groups, a few readers, one file a table; `sqlite` and `postgres` are the two kinds of database that there are; `moving` takes all of it from one to another |
//! | [`metrics`] | what is counted and measured |
//! | [`waiters`] | which requests wait for which interaction; woken after the commit |
//! | [`shares`] | how much each principal holds of what all share |
//! | `fair_queue` | turns for a few places, so that one that asks often waits behind itself |
//! | [`sealer`] | secrets at rest |
//! | [`tokens`] | which principal holds which token |
//! | [`notify`] | what leaves the machine: which addresses may be called, and how each kind of channel wants to be |
//! | [`service`] | the use cases: one file a verb, one transaction each |
//! | [`http`] | REST: `transport` accepts connections, `middleware` is around each request, `api` has a handler a call, `error` every error status, `dialects` the calls of other programs |
//! | `web` | the pages for people, with `templates/web`; `kinds` has one file a kind, `text.rs` escapes what agents wrote, `highlight.rs` colours code, `charts.rs` draws |
//! | [`config`] | every setting: its flag, its environment variable, its default and its limit |
//! | [`logging`] | lines on stderr |
//! | `csv` | interactions for spreadsheets |
//! | `files` | files that are whole at every moment |
//! | [`credentials`] | the file that lets commands work without configuration |
//! | [`client`] | a client of a running server: one typed method a call |
//! | [`server`] | the process of `countersign serve` |
//! | [`cli`] | the command line; `kinds` has one module a kind: `ask`, the command that answers, the card, the keys of `watch`; `connect` writes what the module of that name says, and `hook`, `mcp` and `acp` are for agents' clients |
//!
//! What a content looks like is the same on the wire and in the database, so the domain's types derive both forms and their
//! schema. `ARCHITECTURE.md` beside this crate has the layers and what each may name, says what always holds, and follows a
//! request from the socket to the answer.
//!
//! # Glossary
//!
//! The words that clients see are defined in `docs/reference/api.md`; these are the others, or what the code adds.
//!
//! | word | meaning |
//! | --- | --- |
//! | interaction | one question of an agent, of one of the *kinds* in [`domain::kinds`] |
//! | outcome (`Outcome`) | how an interaction ended; the API calls it `status`. A claim's `outcome` in the API is `RunOutcome` |
//! | resolution | the outcome, with who or what caused it, when, and what was said |
//! | decision | what a confirmation is resolved with: allow or deny |
//! | acknowledgement | what a person has to say beside "yes" before an approval counts |
//! | trust rule | a standing decision for later confirmations; its *terms* are what it says |
//! | subject, pattern, scope | what a rule is matched against, what it covers, where it applies |
//! | claim | the one-time right to act on an approved confirmation |
//! | query, view | words and fields that find interactions; one that a person keeps under a name |
//! | signature | what a stretch of interactions that follow one another may have, so that a search passes over it |
//! | principal | the holder of a token: a name and a role |
//! | caller | the principal behind a request, with the token or the session that it came with |
//! | audit event | one line of the append-only history; the events form a hash *chain* |
//! | record | an interaction with everything that belongs to it, as the store reads it |
//! | channel | where notices of one person go |
//! | notice | one message to one channel; what it says is read from the interaction as it is sent |
//! | long-poll | a request that waits for a resolution; its *waiter* is woken after the commit |

pub mod api;
pub mod cli;
pub mod client;
pub mod clock;
pub mod config;
mod connect;
pub mod credentials;
mod csv;
pub mod dialects;
pub mod domain;
mod fair_queue;
mod files;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod notify;
pub mod present;
pub mod rules_file;
pub mod sealer;
pub mod server;
pub mod service;
pub mod shares;
pub mod store;
pub mod tokens;
pub mod waiters;
mod web;
