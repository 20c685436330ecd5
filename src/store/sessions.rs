//! The tables `login_links` and `sessions`: how people get from a token to a browser.

use super::principals::Token;
use super::sql::{Row, values};
use super::{Error, ReadTx, Result, WriteTx};
use crate::clock::Timestamp;
use crate::domain::audit::{Event, NewAuditEvent};
use crate::domain::id::{PrincipalName, SessionId};
use crate::domain::principal::Principal;

/// How a session began, as its event tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoggedInBy {
    /// A link that works once.
    Link,
    /// The token itself.
    Token,
}

/// A session that goes on, as its person sees it in a list.
#[derive(Clone, Debug)]
pub struct Session {
    /// What it is called, which is no secret.
    pub session_id: SessionId,
    /// SHA-256 of its text.
    pub session_sha256: [u8; 32],
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The browser that it is of, where that is known: `Firefox on Linux`.
    pub browser: Option<String>,
}

/// A token with its holder, where its columns begin at the first.
fn token_from(row: &Row<'_>) -> Result<Token> {
    Ok(Token {
        token_id: row.get(0)?,
        principal: Principal { name: row.get(1)?, role: row.get(2)? },
        created_at: row.get(3)?,
        revoked_at: None,
    })
}

impl ReadTx<'_> {
    /// The token in force with this digest.
    pub fn token(&self, token_sha256: &[u8; 32]) -> Result<Option<Token>> {
        let sql = "SELECT t.token_id, p.name, p.role, t.created_at_ms \
             FROM tokens AS t JOIN principals AS p ON p.name = t.principal \
             WHERE t.token_sha256 = ?1 AND t.revoked_at_ms IS NULL";
        self.sql.row(sql, values![token_sha256], token_from)
    }

    /// Whether a link can still be used at `now`.
    pub fn is_login_link(&self, code_sha256: &[u8; 32], now: Timestamp) -> Result<bool> {
        let sql = "SELECT 1 FROM login_links WHERE code_sha256 = ?1 AND used_at_ms IS NULL AND expires_at_ms > ?2";
        self.sql.exists(sql, values![code_sha256, now])
    }

    /// Whose session this is at `now`, as long as their token is in force.
    pub fn session(&self, session_sha256: &[u8; 32], now: Timestamp) -> Result<Option<Principal>> {
        self.sql.row(
            "SELECT p.name, p.role FROM sessions AS s JOIN tokens AS t USING (token_id) \
             JOIN principals AS p ON p.name = t.principal \
             WHERE s.session_sha256 = ?1 AND s.ended_at_ms IS NULL AND s.expires_at_ms > ?2 AND t.revoked_at_ms IS NULL",
            values![session_sha256, now],
            |row| Ok(Principal { name: row.get(0)?, role: row.get(1)? }),
        )
    }
}

impl ReadTx<'_> {
    /// The sessions of a principal that go on at `now`, the latest first.
    pub fn sessions_of(&self, name: &PrincipalName, now: Timestamp) -> Result<Vec<Session>> {
        let sql = "SELECT s.session_id, s.session_sha256, s.created_at_ms, s.expires_at_ms, s.browser \
             FROM sessions AS s JOIN tokens AS t USING (token_id) \
             WHERE t.principal = ?1 AND s.ended_at_ms IS NULL AND s.expires_at_ms > ?2 AND t.revoked_at_ms IS NULL \
             ORDER BY s.created_at_ms DESC, s.session_id DESC";
        self.sql.rows(sql, values![name, now], |row| {
            Ok(Session {
                session_id: row.get(0)?,
                session_sha256: row.get(1)?,
                created_at: row.get(2)?,
                expires_at: row.get(3)?,
                browser: row.get(4)?,
            })
        })
    }
}

/// The most rows of each table that one transaction deletes.
const DELETED_AT_ONCE: u32 = 100;

/// The tables of log-ins, and their keys.
const LOGINS: [(&str, &str); 2] = [("login_links", "code_sha256"), ("sessions", "session_id")];

/// What has expired. What time it is says the last event, as it does to the triggers, which refuse to delete what has not: a
/// session that is gone too early could be put back.
const EXPIRED: &str = "expires_at_ms <= (SELECT at_ms FROM audit_events ORDER BY seq DESC LIMIT 1)";

impl ReadTx<'_> {
    /// Whether there are links or sessions that have expired.
    pub fn has_expired_logins(&self) -> Result<bool> {
        for (table, _) in LOGINS {
            if self.sql.exists(&format!("SELECT 1 FROM {table} WHERE {EXPIRED}"), values![])? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl WriteTx<'_> {
    /// Deletes links and sessions that have expired, some of them: the history tells of them. Whether there may be others.
    pub fn delete_expired_logins(&mut self) -> Result<bool> {
        self.remove_ended_subscriptions()?;
        let mut has_more = false;
        for (table, key) in LOGINS {
            let sql =
                format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {EXPIRED} LIMIT ?1)");
            has_more |= self.sql.execute(&sql, values![DELETED_AT_ONCE])? >= DELETED_AT_ONCE as usize;
        }
        Ok(has_more)
    }

    /// Ends sessions of a principal, the oldest first, until fewer than `most` go on.
    pub fn end_sessions_beyond(&mut self, name: &PrincipalName, most: u32) -> Result<()> {
        let beyond = self.sql.rows(
            "SELECT s.session_sha256 FROM sessions AS s JOIN tokens AS t USING (token_id) \
             WHERE t.principal = ?1 AND s.ended_at_ms IS NULL AND s.expires_at_ms > ?2 \
             ORDER BY s.created_at_ms DESC, s.session_id DESC LIMIT 9223372036854775807 OFFSET ?3",
            values![name, self.now, most.saturating_sub(1)],
            |row| row.get::<[u8; 32]>(0),
        )?;
        for session_sha256 in beyond {
            self.end_session(&session_sha256)?;
        }
        Ok(())
    }

    /// How many links of a principal still work.
    pub fn count_of_login_links(&self, name: &PrincipalName) -> Result<u32> {
        self.sql.one(
            "SELECT count(*) FROM login_links AS l JOIN tokens AS t USING (token_id) \
             WHERE t.principal = ?1 AND l.used_at_ms IS NULL AND l.expires_at_ms > ?2 AND t.revoked_at_ms IS NULL",
            values![name, self.now],
        )
    }

    /// Adds a link for the holder of `token`, with the event that tells of it.
    pub fn insert_login_link(&mut self, code_sha256: &[u8; 32], token: &Token, expires_at: Timestamp) -> Result<()> {
        self.sql.write(
            "INSERT INTO login_links (code_sha256, token_id, created_at_ms, expires_at_ms) VALUES (?1, ?2, ?3, ?4)",
            values![code_sha256, token.token_id, self.now, expires_at],
        )?;
        let detail = serde_json::json!({"tokenId": token.token_id, "expiresAt": expires_at});
        self.append_audit(NewAuditEvent::new(Event::LoginLinkCreated).principal(&token.principal.name).detail(detail))?;
        self.delete_expired_logins()?;
        Ok(())
    }

    /// Uses a link up; whose it was, where it still worked.
    pub fn use_login_link(&mut self, code_sha256: &[u8; 32]) -> Result<Option<Token>> {
        let used = self.sql.execute(
            "UPDATE login_links SET used_at_ms = ?2 \
             WHERE code_sha256 = ?1 AND used_at_ms IS NULL AND expires_at_ms > ?2 \
               AND token_id IN (SELECT token_id FROM tokens WHERE revoked_at_ms IS NULL)",
            values![code_sha256, self.now],
        )?;
        if used == 0 {
            return Ok(None);
        }
        let sql = "SELECT t.token_id, p.name, p.role, t.created_at_ms \
             FROM login_links AS l JOIN tokens AS t USING (token_id) JOIN principals AS p ON p.name = t.principal \
             WHERE l.code_sha256 = ?1";
        let none = || Error::Corrupt { table: "login_links", key: "token_id".to_owned() };
        self.sql.row(sql, values![code_sha256], token_from)?.ok_or_else(none).map(Some)
    }

    /// Adds a session of the holder of `token`, in `browser`, with the event that tells of it.
    pub fn insert_session(
        &mut self,
        session_sha256: &[u8; 32],
        token: &Token,
        expires_at: Timestamp,
        by: LoggedInBy,
        browser: Option<&str>,
    ) -> Result<()> {
        let session_id = SessionId::generate();
        self.sql.write(
            "INSERT INTO sessions (session_id, session_sha256, token_id, created_at_ms, expires_at_ms, browser) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            values![session_id, session_sha256, token.token_id, self.now, expires_at, browser],
        )?;
        let by = match by {
            LoggedInBy::Link => "link",
            LoggedInBy::Token => "token",
        };
        let detail =
            serde_json::json!({"sessionId": session_id, "tokenId": token.token_id, "by": by, "expiresAt": expires_at});
        self.append_audit(NewAuditEvent::new(Event::SessionBegun).principal(&token.principal.name).detail(detail))?;
        self.delete_expired_logins()?;
        Ok(())
    }

    /// Ends a session that has not ended, with the event that tells of it; whether there was one.
    pub fn end_session(&mut self, session_sha256: &[u8; 32]) -> Result<bool> {
        let sql = "SELECT s.session_id, p.name, p.role FROM sessions AS s JOIN tokens AS t USING (token_id) \
             JOIN principals AS p ON p.name = t.principal \
             WHERE s.session_sha256 = ?1 AND s.ended_at_ms IS NULL";
        let found = self.sql.row(sql, values![session_sha256], |row| {
            Ok((row.get::<SessionId>(0)?, Principal { name: row.get(1)?, role: row.get(2)? }))
        })?;
        let Some((session_id, principal)) = found else { return Ok(false) };
        let sql = "UPDATE sessions SET ended_at_ms = ?2 WHERE session_id = ?1 AND ended_at_ms IS NULL";
        self.sql.write(sql, values![session_id, self.now])?;
        let detail = serde_json::json!({"sessionId": session_id});
        self.append_audit(NewAuditEvent::new(Event::SessionEnded).principal(&principal.name).detail(detail))?;
        self.remove_ended_subscriptions()?;
        Ok(true)
    }
}
