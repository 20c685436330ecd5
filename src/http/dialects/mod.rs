//! What agents' clients speak beside the API: each dialect in a room of its own, over the same use cases.

pub(crate) mod hooks;
pub(crate) mod mcp;
