//! The audit events that there have to be: those of requests in their order, those that come by themselves at any time
//! from their moment on.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::Interaction;
use super::shown::written;
use crate::model::actors::Caller;
use crate::model::request::Request;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::model) struct Event {
    pub(in crate::model) event: String,
    pub(in crate::model) request: Option<String>,
    pub(in crate::model) rule: Option<String>,
    pub(in crate::model) principal: Option<String>,
    pub(in crate::model) at: i64,
}

#[derive(Debug, Default)]
pub(in crate::model) struct History {
    /// What the server has told, and rightly so.
    told: Vec<Event>,
    /// What it has yet to tell, in this order.
    next: VecDeque<Event>,
    /// What it has yet to tell, whenever it comes to it.
    due: Vec<Event>,
}

fn event(event: &str, request: Option<&str>, rule: Option<&str>, principal: Option<&str>, at: i64) -> Event {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Event { event: event.to_owned(), request: owned(request), rule: owned(rule), principal: owned(principal), at }
}

impl History {
    /// A request has made this happen.
    pub(super) fn told(
        &mut self,
        what: &str,
        request: Option<&str>,
        rule: Option<&str>,
        principal: Option<&str>,
        at: i64,
    ) {
        self.next.push_back(event(what, request, rule, principal, at));
    }

    /// It has happened by itself.
    pub(super) fn due(&mut self, what: &str, request: Option<&str>, rule: Option<&str>, at: i64) {
        self.due.push(event(what, request, rule, None, at));
    }

    /// Takes note of what was told before any request was made.
    pub(in crate::model) fn begin(&mut self, told: Vec<Event>) {
        self.told = told;
    }

    /// Whether everything has been told.
    pub(in crate::model) fn is_complete(&self) -> bool {
        self.next.is_empty() && self.due.is_empty()
    }

    /// What has not been told.
    pub(in crate::model) fn missing(&self) -> impl Iterator<Item = &Event> {
        self.next.iter().chain(&self.due)
    }

    /// How much has been told.
    pub(in crate::model) fn len(&self) -> usize {
        self.told.len()
    }

    /// When the last thing was told.
    pub(in crate::model) fn last_at(&self) -> Option<i64> {
        self.told.last().map(|event| event.at)
    }

    /// Takes note of what the server tells; says what is wrong with it where it is not to be told now.
    pub(in crate::model) fn hear(&mut self, heard: Event) -> Result<(), String> {
        if self.last_at().is_some_and(|last| heard.at < last) {
            return Err(format!("{heard:?} is told after something later"));
        }
        let same = |due: &Event| Event { at: due.at, ..heard.clone() } == *due && heard.at >= due.at;
        if let Some(place) = self.due.iter().position(same) {
            self.due.remove(place);
        } else if self.next.front() == Some(&heard) {
            self.next.pop_front();
        } else {
            return Err(format!("{heard:?} is told, where {:?} is next and {:?} is due", self.next.front(), self.due));
        }
        self.told.push(heard);
        Ok(())
    }

    /// What the caller may see, newest first, without what is in their details.
    pub(super) fn list(&self, caller: Caller, request: &Request, interactions: &[Interaction]) -> Value {
        let is_own = |id: &str| interactions.iter().any(|it| it.id == id && caller.sees(it.by));
        let is = |name: &str, value: &Option<String>| {
            request.asked(name).is_none_or(|asked| value.as_deref() == Some(asked))
        };
        let is_shown = |event: &&Event| {
            let may_see = caller.reads_everything() || event.request.as_deref().is_some_and(is_own);
            may_see && is("requestId", &event.request) && is("ruleId", &event.rule) && is("principal", &event.principal)
        };
        let shown = |event: &Event| {
            json!({"event": event.event, "requestId": event.request, "ruleId": event.rule,
                "principal": event.principal, "at": written(event.at)})
        };
        let events: Vec<_> = self.told.iter().rev().filter(is_shown).map(shown).collect();
        json!({"auditEvents": events})
    }
}
