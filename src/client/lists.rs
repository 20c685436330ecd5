//! Lists that go on over several pages.

use serde::de::DeserializeOwned;

use super::wire::{AuditEvent, EventPage, Interaction, InteractionPage, Page, RulePage, TrustRule, WithRaw};
use super::{Client, Result};

/// The largest page.
const LARGEST_PAGE: usize = 500;

impl Client {
    /// The newest interactions of a filter, at most `most`.
    pub fn interactions(&self, filter: &[(&str, &str)], most: usize) -> Result<Vec<WithRaw<Interaction>>> {
        self.list::<InteractionPage>("/v1/interactions", filter, most)
    }

    /// The newest trust rules of a filter, at most `most`.
    pub fn trust_rules(&self, filter: &[(&str, &str)], most: usize) -> Result<Vec<WithRaw<TrustRule>>> {
        self.list::<RulePage>("/v1/trust-rules", filter, most)
    }

    /// The newest audit events of a filter, at most `most`.
    pub fn audit_events(&self, filter: &[(&str, &str)], most: usize) -> Result<Vec<WithRaw<AuditEvent>>> {
        self.list::<EventPage>("/v1/audit-events", filter, most)
    }

    fn list<P: Page + DeserializeOwned>(
        &self,
        path: &str,
        filter: &[(&str, &str)],
        most: usize,
    ) -> Result<Vec<P::Row>> {
        let mut found = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let limit = (most - found.len()).min(LARGEST_PAGE).to_string();
            let mut query = filter.to_vec();
            query.push(("limit", &limit));
            query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let (rows, next) = self.get::<P>(path, &query)?.into_rows();
            found.extend(rows);
            cursor = next;
            if cursor.is_none() || found.len() >= most {
                return Ok(found);
            }
        }
    }
}
