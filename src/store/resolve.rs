//! How an interaction ends: the one conditional update, and everything that it causes in the same transaction.

use super::pending::Change;
use super::sql::values;
use super::{Error, ResolvedInteraction, Result, WriteTx};
use crate::domain::audit::NewAuditEvent;
use crate::domain::interaction::{Detail, Interaction, Resolution, ResolvedBy, Status, System};

/// The one conditional update that resolves anything: the kind, the status and the deadline are its conditions.
pub(super) const SETTLE: &str = "UPDATE interactions SET status = ?3, resolved_at_ms = ?4, resolved_by_principal = ?5, \
     resolved_by_rule = ?6, resolved_by_system = ?7, resolution = ?8 \
     WHERE request_id = ?1 AND kind = ?2 AND status = 'pending' AND (expires_at_ms IS NULL OR expires_at_ms > ?4)";

/// The same for the deadline itself, whose condition is the opposite one.
pub(super) const EXPIRE: &str = "UPDATE interactions SET status = 'expired', resolved_at_ms = expires_at_ms, \
     resolved_by_system = 'expired' \
     WHERE request_id = ?1 AND kind = ?2 AND status = 'pending' AND expires_at_ms <= ?3";

impl WriteTx<'_> {
    /// Resolves a pending interaction, appends the event that tells of it, and wakes its waiters after the commit.
    pub fn resolve(&mut self, interaction: &Interaction, resolution: &Resolution) -> Result<()> {
        let (by, principal, rule, system) = match &resolution.by {
            ResolvedBy::Principal(name) => ("principal", Some(name), None, None),
            ResolvedBy::TrustRule(rule_id) => ("trust_rule", None, Some(rule_id), None),
            ResolvedBy::System(System::Expired) => ("system", None, None, Some("expired")),
        };
        let not_json = |_| Error::Corrupt { table: "interactions", key: interaction.request_id.to_string() };
        let json = |detail: Detail| {
            let detail = Some(detail).filter(|detail| *detail != Detail::default());
            detail.as_ref().map(serde_json::to_string).transpose().map_err(not_json)
        };
        let (facts, unshown) = (json(resolution.detail.facts())?, json(resolution.detail.unshown())?);
        let missing = || Error::Corrupt { table: "interactions", key: interaction.request_id.to_string() };
        match system {
            None => self.sql.write_one(
                SETTLE,
                values![
                    interaction.request_id,
                    interaction.kind,
                    Status::Resolved(resolution.outcome),
                    resolution.at,
                    principal,
                    rule,
                    system,
                    facts,
                ],
                missing,
            )?,
            Some(_) => {
                self.sql.write_one(EXPIRE, values![interaction.request_id, interaction.kind, self.now], missing)?;
            }
        }
        self.committed.changes.push(Change::removed(interaction));
        let mut event = NewAuditEvent::new(resolution.outcome.into()).request(&interaction.request_id);
        event.principal = principal;
        event.rule_id = rule;
        event.detail = resolution.detail.audited();
        event.text = resolution.detail.audited_text();
        self.append_own_audit(event, &interaction.registered_by, unshown.as_deref())?;
        self.announce_end(interaction)?;
        if let Some(comment) = &resolution.detail.comment {
            self.add_to_search(&interaction.request_id, comment)?;
        }
        let request_id = interaction.request_id.clone();
        self.committed.resolved.push(ResolvedInteraction { request_id, outcome: resolution.outcome, by });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::interactions::{INSERT, INSERT_BODY};
    use crate::store::sqlite::in_memory::instructions;

    /// A list of more than two words in a CHECK is a table that is made and dropped for each row.
    #[test]
    fn nothing_that_is_written_for_every_interaction_makes_a_table_of_its_own() {
        for statement in [INSERT, INSERT_BODY, SETTLE, EXPIRE] {
            let instructions = instructions(statement);
            assert!(instructions.iter().any(|instruction| instruction == "Insert"), "{statement}");
            assert!(!instructions.iter().any(|instruction| instruction == "OpenEphemeral"), "{statement}");
        }
    }
}
