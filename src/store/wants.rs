//! What a piece of work reads first: a database that is far away is then asked for all that a group reads at once.

use super::interactions::{INTERACTION, NUMBER};
use crate::domain::id::RequestId;

/// A hint: the work reads the same without it, and waits for longer.
#[derive(Clone, Debug)]
pub struct Wants {
    pub(super) statement: &'static str,
    pub(super) id: RequestId,
}

impl Wants {
    /// Whether there is an interaction with this id: for what registers one.
    #[must_use]
    pub const fn new_id(id: RequestId) -> Self {
        Self { statement: NUMBER, id }
    }

    /// The interaction with this id.
    #[must_use]
    pub const fn interaction(id: RequestId) -> Self {
        Self { statement: INTERACTION, id }
    }
}
