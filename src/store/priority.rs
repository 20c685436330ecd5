//! Who is served first when there is more to do than can be done.

use crate::domain::enums::Role;
use crate::domain::principal::Principal;

/// Who is served with whom when there is more to do than can be done: agents, who are many and come again, never stand
/// in the way of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Agents' requests: refused when there are too many.
    Agent,
    /// Agents whose wait has ended: they were admitted when they came, and wait for their turn however many they are.
    Resumed,
    /// People's requests, and the server's own work.
    Human,
}

impl Priority {
    /// The priority of a principal's requests.
    #[must_use]
    pub const fn of(principal: &Principal) -> Self {
        match principal.role {
            Role::Agent => Self::Agent,
            Role::Approver | Role::Auditor | Role::Admin => Self::Human,
        }
    }

    /// The same, once it has waited for a resolution.
    #[must_use]
    pub const fn resumed(self) -> Self {
        match self {
            Self::Agent | Self::Resumed => Self::Resumed,
            Self::Human => Self::Human,
        }
    }
}
