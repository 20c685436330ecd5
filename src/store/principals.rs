//! The tables `principals` and `tokens`: who may speak.

use super::sql::values;
use super::{ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::enums::Role;
use crate::domain::id::{PrincipalName, TokenId};
use crate::domain::principal::Principal;

/// A token as it is known: by its digest.
#[derive(Clone, Debug)]
pub struct TokenHash {
    /// SHA-256 of the token's text.
    pub token_sha256: [u8; 32],
    /// Who holds it.
    pub principal: Principal,
}

/// A token as it is listed: never the token itself.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is called.
    pub token_id: TokenId,
    /// Who holds it.
    pub principal: Principal,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// An agent, as far as it is known beside what it asked.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Its name.
    pub name: PrincipalName,
    /// When its first token was made.
    pub created_at: Timestamp,
    /// The day on which it last registered something, in days since 1970 in UTC; `None` where it never did.
    pub last_day: Option<i64>,
    /// Its tokens that are in force, oldest first.
    pub tokens: Vec<Token>,
}

/// The day of what was registered last stands in the row of a principal, but for the latest interactions of all: those are
/// looked at.
const AGENTS: &str = "SELECT name, created_at_ms, stored_day, (SELECT max(i.created_at_ms) / 86400000 \
     FROM interactions AS i WHERE i.registered_by = name AND i.interaction_id > \
     (SELECT number FROM kept_through WHERE what = 'stored_bytes')) FROM principals WHERE role = 'agent' ORDER BY name";

impl ReadTx<'_> {
    /// Every agent there ever was, by name, with its tokens that are in force.
    pub fn agents(&self) -> Result<Vec<Agent>> {
        let mut agents = self.sql.rows(AGENTS, values![], |row| {
            let days = [row.get::<i64>(2)?, row.get::<Option<_>>(3)?.unwrap_or_default()];
            let last_day = days.into_iter().max().filter(|day| *day > 0);
            Ok(Agent { name: row.get(0)?, created_at: row.get(1)?, last_day, tokens: Vec::new() })
        })?;
        for token in self.tokens()?.into_iter().filter(|token| token.revoked_at.is_none()) {
            let name = token.principal.name.as_str();
            // In the order of the list, which is that of their bytes.
            if let Ok(place) = agents.binary_search_by(|agent| agent.name.as_str().cmp(name))
                && let Some(agent) = agents.get_mut(place)
            {
                agent.tokens.push(token);
            }
        }
        Ok(agents)
    }

    /// Every token that is in force.
    pub fn active_tokens(&self) -> Result<Vec<TokenHash>> {
        let sql = "SELECT t.token_sha256, p.name, p.role FROM tokens AS t JOIN principals AS p ON p.name = t.principal \
             WHERE t.revoked_at_ms IS NULL";
        self.sql.rows(sql, values![], |row| {
            Ok(TokenHash { token_sha256: row.get(0)?, principal: Principal { name: row.get(1)?, role: row.get(2)? } })
        })
    }

    /// Whether a token of this digest is in force.
    pub fn is_in_force(&self, token_sha256: &[u8; 32]) -> Result<bool> {
        let sql = "SELECT 1 FROM tokens WHERE token_sha256 = ?1 AND revoked_at_ms IS NULL";
        self.sql.exists(sql, values![token_sha256])
    }

    /// Whether there ever was a token of this id.
    pub fn has_token(&self, token_id: &TokenId) -> Result<bool> {
        self.sql.exists("SELECT 1 FROM tokens WHERE token_id = ?1", values![token_id])
    }

    /// Every token there ever was, oldest first.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        let sql = "SELECT t.token_id, p.name, p.role, t.created_at_ms, t.revoked_at_ms \
             FROM tokens AS t JOIN principals AS p ON p.name = t.principal ORDER BY t.created_at_ms, t.token_id";
        self.sql.rows(sql, values![], |row| {
            Ok(Token {
                token_id: row.get(0)?,
                principal: Principal { name: row.get(1)?, role: row.get(2)? },
                created_at: row.get(3)?,
                revoked_at: row.get(4)?,
            })
        })
    }

    /// The role of a principal, if there is one of that name.
    pub fn role_of(&self, name: &PrincipalName) -> Result<Option<Role>> {
        self.sql.value("SELECT role FROM principals WHERE name = ?1", values![name])
    }
}

/// Who has a token in force that may resolve: at most two, for one of two is always another than a third.
const RESOLVERS: &str = "SELECT DISTINCT p.name FROM principals AS p JOIN tokens AS t ON t.principal = p.name \
     WHERE p.role IN ('approver', 'admin') AND t.revoked_at_ms IS NULL LIMIT 2";

impl WriteTx<'_> {
    /// Whether any token in force may resolve what `by` registers; its own counts only where `own_counts`.
    pub fn has_resolver(&mut self, by: &PrincipalName, own_counts: bool) -> Result<bool> {
        let resolvers = match self.cache.resolvers.take() {
            Some(resolvers) => resolvers,
            None => self.sql.rows(RESOLVERS, values![], |row| row.get(0))?,
        };
        Ok(self.cache.resolvers.insert(resolvers).iter().any(|name| own_counts || name != by))
    }

    /// Adds a token, and its principal where there is none of that name yet, with the event that tells of it.
    pub fn insert_token(&mut self, token_id: &TokenId, holder: &TokenHash) -> Result<()> {
        self.add_token(token_id, holder, serde_json::json!({"tokenId": token_id, "role": holder.principal.role}))
    }

    /// The same, where a principal has made it: the event says who.
    pub fn insert_token_made_by(
        &mut self,
        token_id: &TokenId,
        holder: &TokenHash,
        made_by: &PrincipalName,
    ) -> Result<()> {
        let role = holder.principal.role;
        self.add_token(token_id, holder, serde_json::json!({"tokenId": token_id, "role": role, "madeBy": made_by}))
    }

    fn add_token(&mut self, token_id: &TokenId, holder: &TokenHash, detail: serde_json::Value) -> Result<()> {
        let Principal { name, role } = &holder.principal;
        self.committed.has_changed_tokens = true;
        self.cache.resolvers = None;
        self.sql.write(
            "INSERT INTO principals (name, role, created_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            values![name, role, self.now],
        )?;
        self.sql.write(
            "INSERT INTO tokens (token_id, token_sha256, principal, created_at_ms) VALUES (?1, ?2, ?3, ?4)",
            values![token_id, holder.token_sha256, name, self.now],
        )?;
        self.append_audit(NewAuditEvent::new(Event::TokenCreated).principal(name).detail(detail))
    }

    /// Takes a token back, with the event that tells of it.
    pub fn revoke_token(&mut self, token: &Token) -> Result<()> {
        self.take_token_back(token, serde_json::json!({"tokenId": token.token_id}))
    }

    /// The same, where a principal does it: the event says who.
    pub fn revoke_token_by(&mut self, token: &Token, by: &PrincipalName) -> Result<()> {
        self.take_token_back(token, serde_json::json!({"tokenId": token.token_id, "revokedBy": by}))
    }

    fn take_token_back(&mut self, token: &Token, detail: serde_json::Value) -> Result<()> {
        self.committed.has_changed_tokens = true;
        self.cache.resolvers = None;
        self.sql.write(
            "UPDATE tokens SET revoked_at_ms = ?2 WHERE token_id = ?1 AND revoked_at_ms IS NULL",
            values![token.token_id, self.now],
        )?;
        self.append_audit(NewAuditEvent::new(Event::TokenRevoked).principal(&token.principal.name).detail(detail))?;
        self.remove_ended_subscriptions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::in_memory::plan;

    #[test]
    fn agents_are_listed_without_reading_all_that_they_asked() {
        let agents = plan(AGENTS);
        let of_interactions = agents.iter().filter(|step| step.contains(" i ")).collect::<Vec<_>>();
        assert!(matches!(of_interactions[..], [step] if step.contains("PRIMARY KEY (rowid>?)")), "{agents:?}");
    }
}
