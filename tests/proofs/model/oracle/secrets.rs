//! Secrets: a person gives, the agent takes.

use serde_json::{Value, json};

use super::{End, Expected, Given, Learnt, Oracle, refused};
use crate::model::actors::Caller;

/// How long what is handed out once may be taken again by the same id.
pub(super) const RETAKE_MS: i64 = 60_000;

impl Oracle {
    pub(super) fn give(&mut self, caller: Caller, body: &Value) -> Expected {
        let accepted = Ok((200, json!({"accepted": true})));
        let place = self.find_kind(caller, body, "secret")?;
        let value = body["value"].as_str().map(|value| value.trim().to_owned());
        let delivery = body["delivery"].as_str().unwrap_or("store").to_owned();
        let interaction = &self.interactions[place];
        let is_repeated = interaction.is_resolved_by(caller).is_some_and(|end| match (&value, &interaction.given) {
            (None, _) => end.status == "cancelled",
            // What is wiped cannot be compared any more.
            (Some(value), Some(given)) => !given.is_wiped && given.value == *value && given.delivery == delivery,
            (Some(_), None) => false,
        });
        if is_repeated {
            return accepted;
        }
        self.check_open(place, caller)?;
        let Some(value) = value else {
            self.end(place, End::by("cancelled", caller));
            return accepted;
        };
        if delivery == "transient_send" && interaction.says("allowOneTimeSend") == false {
            return refused(403, "one_time_send_not_allowed");
        }
        self.end(place, End { delivery: json!(delivery), ..End::by("answered", caller) });
        self.interactions[place].given =
            Some(Given { value, delivery, taken: None, is_wiped: false, wiped_by: None, takings: Vec::new() });
        accepted
    }

    /// A person wipes what was given.
    pub(super) fn wipe(&mut self, caller: Caller, id: &str) -> Expected {
        let place = self.find(caller, id)?;
        if self.interactions[place].kind != "secret" {
            return refused(404, "wrong_kind");
        }
        let Some(given) = &mut self.interactions[place].given else {
            return self.conflict(place, "not_answered");
        };
        if given.is_wiped && given.wiped_by.is_none() {
            return refused(409, "already_taken");
        }
        if !given.is_wiped {
            given.is_wiped = true;
            given.wiped_by = Some((caller.name, self.now));
            self.history.told("secret.wiped", Some(id), None, Some(caller.name), self.now);
        }
        Ok((200, self.interactions[place].shown()))
    }

    pub(super) fn take(&mut self, caller: Caller, id: &str, body: &Value, learnt: &Learnt<'_>) -> Expected {
        let place = self.find_own(caller, id)?;
        if self.interactions[place].kind != "secret" {
            return refused(404, "wrong_kind");
        }
        let chosen = body["takeId"].as_str().map(str::to_owned);
        let take_id = chosen.unwrap_or_else(|| learnt.text("/takeId"));
        let Some(given) = &mut self.interactions[place].given else {
            return self.conflict(place, "not_answered");
        };
        if given.wiped_by.is_some() {
            return refused(409, "wiped");
        }
        if given.delivery == "transient_send" {
            match &given.taken {
                None => given.taken = Some((take_id.clone(), self.now)),
                Some((by, at)) if *by == take_id && self.now < at + RETAKE_MS => {}
                Some(_) => return refused(409, "already_taken"),
            }
        }
        let is_told = given.delivery == "store" && given.takings.contains(&take_id);
        if !is_told {
            given.takings.push(take_id.clone());
        }
        let taken = json!({"value": given.value, "delivery": given.delivery, "takeId": take_id});
        if !is_told {
            self.history.told("secret.taken", Some(id), None, Some(caller.name), self.now);
        }
        Ok((200, taken))
    }
}
