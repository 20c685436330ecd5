//! Who holds a token, and what each role may do.

use super::enums::Role;
use super::id::PrincipalName;
use super::refused::Refused;

/// A name and a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name, as it stands in every row and event.
    pub name: PrincipalName,
    /// What it may do.
    pub role: Role,
}

/// What a route lets its caller do; each has the roles that may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Register interactions, and act on one's own.
    Register,
    /// See interactions: all of them, or one's own.
    See,
    /// See everything that no agent sees: the queue, the rules.
    Review,
    /// Resolve interactions and manage trust rules.
    Resolve,
    /// Close what is pending in a conversation.
    Supersede,
    /// Have the content of what is over wiped.
    Forget,
    /// Make and revoke tokens of agents, in a browser: on the command line the file of the database is the right.
    MakeTokens,
}

impl Principal {
    /// Refuses what this principal's role does not give.
    pub const fn require(&self, right: Right) -> Result<(), Refused> {
        let may = match (self.role, right) {
            (Role::Admin, _)
            | (Role::Agent, Right::Register | Right::See | Right::Supersede)
            | (Role::Approver, Right::See | Right::Review | Right::Resolve | Right::Supersede)
            | (Role::Auditor, Right::See | Right::Review) => true,
            (Role::Agent, Right::Review | Right::Resolve | Right::Forget | Right::MakeTokens)
            | (Role::Approver, Right::Register | Right::Forget | Right::MakeTokens)
            | (
                Role::Auditor,
                Right::Register | Right::Resolve | Right::Supersede | Right::Forget | Right::MakeTokens,
            ) => false,
        };
        if may { Ok(()) } else { Err(Refused::Forbidden { role: self.role }) }
    }

    /// Whether this principal sees what others registered.
    #[must_use]
    pub const fn sees_everything(&self) -> bool {
        match self.role {
            Role::Approver | Role::Auditor | Role::Admin => true,
            Role::Agent => false,
        }
    }

    /// Whose interactions this principal sees: its own name, or `None` for those of all principals.
    #[must_use]
    pub const fn sees_only(&self) -> Option<&PrincipalName> {
        if self.sees_everything() { None } else { Some(&self.name) }
    }
}
