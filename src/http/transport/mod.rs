//! Connections: how they are accepted, secured, timed, limited and ended.
//!
//! Beside what hyper does, this accept loop refuses connections past a limit with an answer that arrives, keeps some
//! places for people, ends connections whose headers, body or reader are too slow, and shuts down without leaving a
//! request unanswered.

pub(crate) mod accept;
pub(crate) mod connection;
mod connection_limit;
mod drain;
pub(crate) mod listen;
mod refusals;
mod stream;
mod timeouts;
pub(crate) mod tls;
