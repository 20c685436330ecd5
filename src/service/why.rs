//! Why persons are asked: what is pending, held against the rules as they stand. All of it is read and worked out beside the
//! writer.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::decide::PendingConfirmation;
use super::{Result, Service, find};
use crate::clock::Timestamp;
use crate::domain::enums::Kind;
use crate::domain::id::{RequestId, ToolName};
use crate::domain::interaction::{Record, Status};
use crate::domain::matcher::Signs;
use crate::domain::principal::Principal;
use crate::domain::refused::Refused;
use crate::domain::rule_set::{RuleSet, Why};
use crate::domain::tools::Profiles;
use crate::store::{Priority, ReadTx};

/// The rules about some tools as they stand, ready to say why persons are asked.
#[derive(Clone)]
pub struct Reasons {
    rules: HashMap<ToolName, RuleSet>,
    profiles: Arc<Profiles>,
    allow_self_approval: bool,
    now: Timestamp,
}

impl Service {
    /// Why a person is asked: by the rules as they stand now, the nearest of them first; and the signs of what is asked.
    ///
    /// # Errors
    ///
    /// A refusal if there is no such interaction, it is no confirmation or no longer pending, or an error of the store.
    pub async fn why(&self, by: &Principal, request_id: &RequestId) -> Result<(Why, Signs)> {
        self.sweep_if_due(Priority::of(by)).await?;
        let (by, request_id, none) = (by.clone(), request_id.clone(), self.no_reasons());
        self.store
            .read(Priority::of(&by), move |tx| {
                let mut reasons = none.clone();
                find(tx, &request_id, &by)?.check_open(Kind::Confirmation, reasons.now)?;
                let record = tx.found_record(&request_id)?;
                reasons.read(tx, &tools(std::slice::from_ref(&record)))?;
                let why = reasons.of(&record).ok_or(Refused::UnknownRequest)?;
                let asked = record.body.content.confirmation();
                let signs = asked.map(|asked| Signs::of(asked, &reasons.profiles));
                Ok((why, signs.unwrap_or_default()))
            })
            .await
    }

    /// What says why persons are asked about those of `records` that are pending.
    ///
    /// # Errors
    ///
    /// An error of the store.
    pub async fn reasons(&self, records: &[Record]) -> Result<Reasons> {
        let (none, tools) = (self.no_reasons(), tools(records));
        if tools.is_empty() {
            return Ok(none);
        }
        self.store
            .read(Priority::Human, move |tx| {
                let mut reasons = none.clone();
                reasons.read(tx, &tools)?;
                Ok(reasons)
            })
            .await
    }

    fn no_reasons(&self) -> Reasons {
        Reasons {
            rules: HashMap::new(),
            profiles: Arc::clone(&self.profiles),
            allow_self_approval: self.allow_self_approval,
            now: self.clock.now(),
        }
    }
}

/// The tools of those `records` that are pending, each once.
fn tools(records: &[Record]) -> BTreeSet<ToolName> {
    let pending = records.iter().filter(|record| record.interaction.status() == Status::Pending);
    pending.filter_map(|record| record.interaction.tool_name.clone()).collect()
}

impl Reasons {
    /// Reads the rules about these tools.
    fn read(&mut self, tx: &ReadTx<'_>, tools: &BTreeSet<ToolName>) -> Result<()> {
        for tool_name in tools {
            let rules = tx.active_rules(tool_name)?.into_iter().collect();
            self.rules.insert(tool_name.clone(), rules);
        }
        Ok(())
    }

    /// Why a person is asked; `None` where it is no confirmation, or no longer pending.
    #[must_use]
    pub fn of(&self, record: &Record) -> Option<Why> {
        let interaction = &record.interaction;
        if interaction.status_at(self.now) != Status::Pending {
            return None;
        }
        let rules = self.rules.get(interaction.tool_name.as_ref()?)?;
        let pending = PendingConfirmation::from_record(record, &self.profiles)?;
        Some(rules.why(&pending.match_input_of(interaction, self.allow_self_approval), self.now))
    }
}
