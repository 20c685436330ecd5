//! The priority of requests under load.

use crate::domain::enums::Role;
use crate::domain::id::PrincipalName;
use crate::domain::principal::Principal;

/// The priority of a read or write under load: agents, which are many and retry, never hold up people, and none of them the
/// others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Requests of clients that are not known yet: refused when there are too many.
    Stranger,
    /// Requests of an agent: refused when there are too many.
    Agent(PrincipalName),
    /// Requests of an agent whose long-poll has ended, or whose events are followed: they were admitted before, and are queued
    /// however many they are.
    Resumed(PrincipalName),
    /// Requests of people, and the server's own work.
    Human,
}

impl Priority {
    /// Returns the priority of a principal's requests.
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        match principal.role {
            Role::Agent => Self::Agent(principal.name.clone()),
            Role::Approver | Role::Auditor | Role::Admin => Self::Human,
        }
    }

    /// Returns the priority of the same request once it has waited for a resolution.
    #[must_use]
    pub fn resumed(self) -> Self {
        match self {
            Self::Agent(name) | Self::Resumed(name) => Self::Resumed(name),
            Self::Stranger | Self::Human => self,
        }
    }

    /// Returns the agent whose request it is.
    #[must_use]
    pub const fn agent(&self) -> Option<&PrincipalName> {
        match self {
            Self::Agent(name) | Self::Resumed(name) => Some(name),
            Self::Stranger | Self::Human => None,
        }
    }
}
