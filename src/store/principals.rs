//! The tables `principals` and `tokens`: who may speak, and how many questions each has open.

use rusqlite::{OptionalExtension, params};

use super::{Error, ReadTx, Result, WriteTx};
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

impl ReadTx<'_> {
    /// Every token that is in force.
    pub fn active_tokens(&self) -> Result<Vec<TokenHash>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT t.token_sha256, p.name, p.role FROM tokens AS t JOIN principals AS p ON p.name = t.principal \
             WHERE t.revoked_at_ms IS NULL",
        )?;
        let holders = statement.query_map([], |row| {
            Ok(TokenHash { token_sha256: row.get(0)?, principal: Principal { name: row.get(1)?, role: row.get(2)? } })
        })?;
        Ok(holders.collect::<rusqlite::Result<_>>()?)
    }

    /// Every token there ever was, oldest first.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT t.token_id, p.name, p.role, t.created_at_ms, t.revoked_at_ms \
             FROM tokens AS t JOIN principals AS p ON p.name = t.principal ORDER BY t.created_at_ms, t.token_id",
        )?;
        let tokens = statement.query_map([], |row| {
            Ok(Token {
                token_id: row.get(0)?,
                principal: Principal { name: row.get(1)?, role: row.get(2)? },
                created_at: row.get(3)?,
                revoked_at: row.get(4)?,
            })
        })?;
        Ok(tokens.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether any token in force may resolve what `by` registers; its own counts only where `own_counts`.
    pub fn has_resolver(&self, by: &PrincipalName, own_counts: bool) -> Result<bool> {
        let mut statement = self.conn.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM principals AS p JOIN tokens AS t ON t.principal = p.name \
             WHERE p.role IN ('approver', 'admin') AND t.revoked_at_ms IS NULL AND (?2 OR p.name <> ?1))",
        )?;
        Ok(statement.query_row(params![by, own_counts], |row| row.get(0))?)
    }

    /// The role of a principal, if there is one of that name.
    pub fn role_of(&self, name: &PrincipalName) -> Result<Option<Role>> {
        let mut statement = self.conn.prepare_cached("SELECT role FROM principals WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }
}

impl WriteTx<'_> {
    /// Adds a token, and its principal where there is none of that name yet, with the event that tells of it.
    pub fn insert_token(&mut self, token_id: &TokenId, holder: &TokenHash) -> Result<()> {
        let Principal { name, role } = &holder.principal;
        self.committed.has_changed_tokens = true;
        self.conn
            .prepare_cached(
                "INSERT INTO principals (name, role, created_at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?
            .execute(params![name, role, self.now])?;
        self.conn
            .prepare_cached(
                "INSERT INTO tokens (token_id, token_sha256, principal, created_at_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![token_id, holder.token_sha256, name, self.now])?;
        let detail = serde_json::json!({"tokenId": token_id, "role": role});
        self.append_audit(NewAuditEvent::new(Event::TokenCreated).principal(name).detail(detail))
    }

    /// Takes a token back, with the event that tells of it.
    pub fn revoke_token(&mut self, token: &Token) -> Result<()> {
        self.committed.has_changed_tokens = true;
        self.conn
            .prepare_cached("UPDATE tokens SET revoked_at_ms = ?2 WHERE token_id = ?1 AND revoked_at_ms IS NULL")?
            .execute(params![token.token_id, self.now])?;
        let detail = serde_json::json!({"tokenId": token.token_id});
        self.append_audit(NewAuditEvent::new(Event::TokenRevoked).principal(&token.principal.name).detail(detail))
    }

    /// Returns how many bytes a principal has stored on the day of this transaction.
    pub fn stored_today(&self, name: &PrincipalName) -> Result<u64> {
        let mut stored =
            self.conn.prepare_cached("SELECT stored_bytes FROM principals WHERE name = ?1 AND stored_day = ?2")?;
        Ok(stored.query_row(params![name, self.now.day()], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// Counts one more pending interaction of a principal, and the bytes that it stores on the day of this transaction; `false`
    /// when `limit` are pending already. One statement, since both stand in one row.
    pub(super) fn count_registered(&self, name: &PrincipalName, limit: u32, bytes: u64) -> Result<bool> {
        let changed = self
            .conn
            .prepare_cached(
                "UPDATE principals SET pending_count = pending_count + 1, \
                 stored_bytes = iif(stored_day = ?3, stored_bytes, 0) + ?4, stored_day = ?3 \
                 WHERE name = ?1 AND pending_count < ?2",
            )?
            .execute(params![name, limit, self.now.day(), bytes])?;
        Ok(changed == 1)
    }

    /// Counts one pending interaction of a principal less.
    pub(super) fn uncount_pending(&self, name: &PrincipalName) -> Result<()> {
        let changed = self
            .conn
            .prepare_cached("UPDATE principals SET pending_count = pending_count - 1 WHERE name = ?1")?
            .execute([name])?;
        if changed == 1 { Ok(()) } else { Err(Error::Corrupt { table: "principals", key: name.to_string() }) }
    }
}
