//! Lists that go on over several pages.

use super::{Client, Error, Result};
use crate::api::{AuditEvent, Interaction, ListAuditEvents, ListInteractions, ListTrustRules, TrustRule, WithRaw};

/// The largest page.
const LARGEST_PAGE: usize = 500;

impl Client {
    /// The newest interactions of a filter, at most `most`.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub fn interactions(&self, filter: &ListInteractions, most: usize) -> Result<Vec<WithRaw<Interaction>>> {
        pages(most, |limit, cursor| {
            let page = self.list_interactions(&ListInteractions { limit, cursor, ..filter.clone() })?;
            Ok((page.interactions, page.next_cursor))
        })
    }

    /// The same, handed over page by page, so that no more than one is held.
    ///
    /// # Errors
    ///
    /// What the server refuses, that it cannot be reached, or what `take` returns.
    pub fn interactions_by_page<E: From<Error>>(
        &self,
        filter: &ListInteractions,
        mut most: usize,
        mut take: impl FnMut(Vec<WithRaw<Interaction>>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let mut cursor = filter.cursor.clone();
        loop {
            let limit = u32::try_from(most.min(LARGEST_PAGE)).ok();
            let page = self.list_interactions(&ListInteractions { limit, cursor, ..filter.clone() })?;
            most = most.saturating_sub(page.interactions.len());
            cursor = page.next_cursor;
            take(page.interactions)?;
            if cursor.is_none() || most == 0 {
                return Ok(());
            }
        }
    }

    /// The newest trust rules of a filter, at most `most`.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub fn trust_rules(&self, filter: &ListTrustRules, most: usize) -> Result<Vec<WithRaw<TrustRule>>> {
        pages(most, |limit, cursor| {
            let page = self.list_trust_rules(&ListTrustRules { limit, cursor, ..filter.clone() })?;
            Ok((page.trust_rules, page.next_cursor))
        })
    }

    /// The newest audit events of a filter, at most `most`.
    ///
    /// # Errors
    ///
    /// What the server refuses, or that it cannot be reached.
    pub fn audit_events(&self, filter: &ListAuditEvents, most: usize) -> Result<Vec<WithRaw<AuditEvent>>> {
        pages(most, |limit, cursor| {
            let page = self.list_audit_events(&ListAuditEvents { limit, cursor, ..filter.clone() })?;
            Ok((page.audit_events, page.next_cursor))
        })
    }
}

/// Reads page after page until there are `most` rows, or no more.
fn pages<T>(
    most: usize,
    read: impl Fn(Option<u32>, Option<String>) -> Result<(Vec<T>, Option<String>)>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let limit = u32::try_from((most - found.len()).min(LARGEST_PAGE)).ok();
        let (rows, next) = read(limit, cursor)?;
        found.extend(rows);
        cursor = next;
        if cursor.is_none() || found.len() >= most {
            return Ok(found);
        }
    }
}
