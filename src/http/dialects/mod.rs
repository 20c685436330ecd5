//! The faces of agents' clients: thin translations to the same use cases.

pub(crate) mod hooks;
