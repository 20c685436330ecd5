//! Looking at interactions: one, at once or when it is resolved; a list; what is pending in a conversation.

use std::time::Duration;

use super::{Result, Service};
use crate::domain::enums::Kind;
use crate::domain::id::{ConversationId, PrincipalName, RequestId};
use crate::domain::interaction::{Record, Status};
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::store::{Filter, ListPage, Page, Priority};

impl Service {
    /// The interaction with this id as it now stands.
    ///
    /// # Errors
    ///
    /// A refusal if `principal` may not see such an interaction, or an error of the store.
    pub async fn get(&self, principal: &Principal, request_id: &RequestId) -> Result<Record> {
        self.get_with_priority(Priority::of(principal), principal, request_id).await
    }

    async fn get_with_priority(
        &self,
        priority: Priority,
        principal: &Principal,
        request_id: &RequestId,
    ) -> Result<Record> {
        let record = self.read_record(priority.clone(), principal, request_id).await?;
        if !record.interaction.is_overdue(self.clock.now()) {
            return Ok(record);
        }
        self.sweep_for_a_reader().await;
        self.read_record(priority, principal, request_id).await
    }

    async fn read_record(&self, priority: Priority, principal: &Principal, request_id: &RequestId) -> Result<Record> {
        let (principal, request_id) = (principal.clone(), request_id.clone());
        self.store
            .read(priority, move |tx| {
                let found = tx.record(&request_id)?.filter(|record| record.interaction.is_visible_to(&principal));
                Ok(found.ok_or(Refused::UnknownRequest)?)
            })
            .await
    }

    /// Returns the interaction once it is resolved, or as it is after `timeout`, or when the server stops.
    ///
    /// # Errors
    ///
    /// A refusal if `principal` may not see such an interaction or too many requests wait, or an error of the store.
    pub async fn wait(&self, principal: &Principal, request_id: &RequestId, timeout: Duration) -> Result<Record> {
        // Registered before the read: a resolution in between wakes the waiter.
        let waiter = self.waiters.register(principal, request_id);
        // Both reads are on the heap, and freed while this waits: tens of thousands of requests may.
        let record = Box::pin(self.get(principal, request_id)).await?;
        if record.interaction.status() != Status::Pending {
            return Ok(record);
        }
        // Only a request that has to wait counts against the limit: what is resolved is answered however many wait.
        let mut waiter = waiter?;
        // The body is read anew afterwards: a long wait should hold little memory.
        drop(record);
        tokio::select! {
            () = waiter.woken() => {}
            () = tokio::time::sleep(timeout) => {}
            () = self.stopping() => {}
        }
        Box::pin(self.get_with_priority(Priority::of(principal).resumed(), principal, request_id)).await
    }

    /// A page of what `principal` sees.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn list(&self, principal: &Principal, mut filter: Filter, page: Page) -> Result<ListPage<Record>> {
        if let Some(own) = principal.sees_only() {
            if filter.registered_by.as_ref().is_some_and(|name| name != own) {
                return Ok(ListPage::default());
            }
            // What a rule is called is told to nobody who may not see it, letter by letter either.
            if filter.query.names_rules() {
                return Ok(ListPage::default());
            }
            filter.registered_by = Some(own.clone());
        }
        self.sweep_if_due(Priority::of(principal)).await?;
        Ok(self.store.read(Priority::of(principal), move |tx| tx.records(&filter, page)).await?)
    }

    /// What is pending, of one agent or of all, which take turns: after `skip` of them at most `limit`; and how many are
    /// pending so.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn queue(
        &self,
        viewer: &Principal,
        of: Option<PrincipalName>,
        skip: u64,
        limit: u32,
    ) -> Result<(Vec<Record>, u64)> {
        self.sweep_if_due(Priority::Human).await?;
        let (viewer, now) = (viewer.name.clone(), self.clock.now());
        self.store
            .read(Priority::Human, move |tx| {
                let (of, viewer) = (of.as_ref(), (&viewer, now));
                Ok((tx.queue(of, viewer, skip, limit)?, tx.count_of_queue(of, viewer)?))
            })
            .await
    }

    /// Who waits for answers, and for how many: at most `limit`, those first that wait for most.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn pending_by_agent(&self, limit: u32) -> Result<Vec<(PrincipalName, u64)>> {
        Ok(self.store.read(Priority::Human, move |tx| tx.pending_by_agent(limit)).await?)
    }

    /// The newest pending interaction of each kind in a conversation, in the order of [`Kind::ALL`].
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn newest_pending(&self, conversation: &ConversationId) -> Result<Vec<Record>> {
        self.sweep_if_due(Priority::Human).await?;
        let conversation = conversation.clone();
        self.store
            .read(Priority::Human, move |tx| {
                let mut newest = Vec::new();
                for kind in Kind::ALL {
                    let filter = Filter {
                        statuses: vec![Status::Pending],
                        kind: Some(*kind),
                        conversation_id: Some(conversation.clone()),
                        ..Filter::default()
                    };
                    newest.extend(tx.records(&filter, Page { before: None, limit: 1 })?.rows);
                }
                Ok(newest)
            })
            .await
    }
}
