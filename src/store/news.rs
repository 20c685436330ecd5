//! What others have committed: read from the history, which is the only message between servers.

use super::pending::Change;
use super::sql::Row;
use super::stored_bytes::body_bytes;
use super::{CommitSummary, ResolvedInteraction, Result};
use crate::clock::Timestamp;
use crate::domain::audit::Event;
use crate::domain::chain::{EventHash, Head};
use crate::domain::enums::Outcome;
use crate::domain::id::{PrincipalName, RequestId, RuleId};

/// An event, and as much of the interaction that it is about as servers remember.
#[derive(Debug)]
pub(super) struct News {
    pub(super) head: Head,
    /// `None` for one that this version does not know.
    event: Option<Event>,
    about: Option<About>,
    rule_id: Option<RuleId>,
    at: Timestamp,
    /// Of the body of what was registered.
    bytes: u64,
}

#[derive(Debug)]
struct About {
    request_id: RequestId,
    registered_by: PrincipalName,
    expires_at: Option<Timestamp>,
}

/// The events from one on, that one too, with the bytes of what they tell to be registered.
pub(super) const NEWS: &str = concat!(
    "SELECT a.seq, a.hash, a.event, i.request_id, i.registered_by, i.expires_at_ms, a.rule_id, a.at_ms, ",
    body_bytes!(),
    " FROM audit_events AS a LEFT JOIN interactions AS i USING (request_id) \
     LEFT JOIN interaction_bodies AS b ON b.interaction_id = i.interaction_id AND a.event = 'interaction.registered' \
     WHERE a.seq >= ?1 ORDER BY a.seq LIMIT ?2"
);

/// How much news is read at once.
pub(super) const MOST_NEWS: i64 = 5_000;

impl News {
    /// Reads a row of [`NEWS`].
    pub(super) fn from_row(row: &Row<'_>) -> Result<Self> {
        let (seq, hash): (i64, EventHash) = (row.get(0)?, row.get(1)?);
        let about = match row.get(3)? {
            Some(request_id) => Some(About { request_id, registered_by: row.get(4)?, expires_at: row.get(5)? }),
            None => None,
        };
        Ok(Self {
            head: Head { seq, hash },
            event: row.text(2)?.and_then(|event| event.parse().ok()),
            about,
            rule_id: row.get(6)?,
            at: row.get(7)?,
            bytes: row.get(8)?,
        })
    }

    /// How it changes what is pending.
    pub(super) fn change(&self) -> Option<Change> {
        let About { request_id, registered_by, expires_at } = self.about.as_ref()?;
        let is_added = self.event == Some(Event::Registered);
        (is_added || self.outcome().is_some())
            .then(|| Change::told((request_id.clone(), registered_by.clone(), *expires_at), is_added))
    }

    /// Who has registered something with it, when, and how many bytes its body has.
    pub(super) fn registration(&self) -> Option<(&PrincipalName, Timestamp, u64)> {
        let About { registered_by, .. } = self.about.as_ref().filter(|_| self.event == Some(Event::Registered))?;
        Some((registered_by, self.at, self.bytes))
    }

    /// Whether it is about an interaction alone: then neither tokens nor channels are others with it.
    pub(super) const fn is_of_an_interaction(&self) -> bool {
        self.about.is_some()
    }

    /// What an interaction came to with it.
    fn outcome(&self) -> Option<Outcome> {
        Outcome::ALL.iter().copied().find(|outcome| Some(Event::from(*outcome)) == self.event)
    }

    /// Whether the active rules are others with it.
    pub(super) const fn is_of_rules(&self) -> bool {
        matches!(self.event, Some(Event::RuleCreated | Event::RuleRevoked | Event::RuleExpired | Event::RuleExhausted))
    }

    /// The rule that it is about.
    pub(super) const fn rule_id(&self) -> Option<&RuleId> {
        self.rule_id.as_ref()
    }

    /// Whether tokens are others with it.
    pub(super) const fn is_of_tokens(&self) -> bool {
        matches!(self.event, Some(Event::TokenCreated | Event::TokenRevoked))
    }
}

/// Whether the news begins with what was known already, which is then taken out: else that is lost.
pub(super) fn is_after(known: Head, news: &mut Vec<News>) -> bool {
    if known.seq == Head::NONE.seq {
        return true;
    }
    let is_there = news.first().is_some_and(|first| first.head == known);
    if is_there {
        news.remove(0);
    }
    is_there
}

/// What a server is to do about it: whom to wake, and by when to look for deadlines.
pub(super) fn summary(news: &[News]) -> CommitSummary {
    let mut summary = CommitSummary { has_events: !news.is_empty(), is_of_others: true, ..CommitSummary::default() };
    for news in news {
        summary.has_changed_tokens |= news.is_of_tokens();
        let Some(About { request_id, registered_by, expires_at }) = &news.about else { continue };
        summary.owners.push(registered_by.clone());
        if let Some(outcome) = news.outcome() {
            summary.resolved.push(ResolvedInteraction {
                request_id: request_id.clone(),
                outcome,
                by: "another server",
            });
        } else if news.event == Some(Event::Registered) {
            summary.next_deadline = [summary.next_deadline, *expires_at].into_iter().flatten().min();
        }
    }
    summary
}
