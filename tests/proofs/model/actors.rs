//! Who calls, and what the contract lets them do.

use countersign::domain::enums::Role;

/// Every principal with a token; a caller that is not among them has none.
pub(super) const ACTORS: [(&str, Role); 6] = [
    ("ann", Role::Agent),
    ("bob", Role::Agent),
    ("ada", Role::Approver),
    ("cyd", Role::Approver),
    ("eve", Role::Auditor),
    ("root", Role::Admin),
];

/// The number of the admin.
pub(super) const ADMIN: usize = 5;

/// The number of the one without a token.
pub(super) const ANONYMOUS: usize = ACTORS.len();

/// A principal with a token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) name: &'static str,
    role: Role,
}

impl Caller {
    /// `None` where the number is that of the anonymous client.
    pub(super) fn of(number: usize) -> Option<Self> {
        ACTORS.get(number).map(|&(name, role)| Self { name, role })
    }

    /// `agent` registers, waits, cancels, claims its own.
    pub(super) fn registers(self) -> bool {
        matches!(self.role, Role::Agent | Role::Admin)
    }

    /// `approver` lists and resolves everything and manages rules.
    pub(super) fn resolves(self) -> bool {
        matches!(self.role, Role::Approver | Role::Admin)
    }

    /// `auditor` reads everything: an agent does not.
    pub(super) fn reads_everything(self) -> bool {
        self.role != Role::Agent
    }

    /// Every role but the auditor, which changes nothing.
    pub(super) fn supersedes(self) -> bool {
        self.role != Role::Auditor
    }

    /// Someone else's interaction looks to an agent exactly like one that does not exist.
    pub(super) fn sees(self, registered_by: &str) -> bool {
        self.reads_everything() || self.name == registered_by
    }
}
