//! The priority of requests under load.

use crate::domain::enums::Role;
use crate::domain::principal::Principal;

/// The priority of a read or write under load: agents, which are many and retry, never hold up people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Requests of agents: refused when there are too many.
    Agent,
    /// Requests of agents whose long-poll has ended: they were admitted before, and are queued however many they are.
    Resumed,
    /// Requests of people, and the server's own work.
    Human,
}

impl Priority {
    /// Returns the priority of a principal's requests.
    #[must_use]
    pub const fn of(principal: &Principal) -> Self {
        match principal.role {
            Role::Agent => Self::Agent,
            Role::Approver | Role::Auditor | Role::Admin => Self::Human,
        }
    }

    /// Returns the priority of the same request once it has waited for a resolution.
    #[must_use]
    pub const fn resumed(self) -> Self {
        match self {
            Self::Agent | Self::Resumed => Self::Resumed,
            Self::Human => Self::Human,
        }
    }
}
