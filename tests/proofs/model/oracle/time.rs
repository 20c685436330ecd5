//! What happens by itself when time passes.

use super::secrets::RETAKE_MS;
use super::{By, End, Oracle};

impl Oracle {
    /// It is later: what is due is over, at its own moment, whenever the server writes that down.
    pub(in crate::model) fn it_is(&mut self, now: i64) {
        self.now = now;
        for interaction in &mut self.interactions {
            let due = interaction.expires.filter(|end| *end <= now && interaction.end.is_none());
            if let Some(at) = due {
                interaction.end = Some(End { at, ..End::new("expired", By::Deadline) });
                self.history.due("interaction.expired", Some(&interaction.id), None, at);
            }
            let Some(given) = &mut interaction.given else {
                continue;
            };
            let wiped_at = given.taken.as_ref().map(|(_, at)| at + RETAKE_MS);
            if let Some(at) = wiped_at.filter(|at| *at <= now && !given.is_wiped) {
                given.is_wiped = true;
                self.history.due("secret.wiped", Some(&interaction.id), None, at);
            }
        }
        for rule in &mut self.rules {
            if let Some(at) = rule.expires.filter(|end| *end <= now && rule.status == "active") {
                rule.status = "expired";
                self.history.due("trust_rule.expired", None, Some(&rule.id), at);
            }
        }
    }

    /// The moment of the next thing that happens by itself.
    pub(in crate::model) fn next_due(&self) -> Option<i64> {
        let deadlines = self.interactions.iter().filter(|it| it.end.is_none()).filter_map(|it| it.expires);
        let wipes = self.interactions.iter().filter_map(|it| it.given.as_ref()).filter(|given| !given.is_wiped);
        let wipes = wipes.filter_map(|given| given.taken.as_ref()).map(|(_, at)| at + RETAKE_MS);
        let rules = self.rules.iter().filter(|rule| rule.status == "active").filter_map(|rule| rule.expires);
        deadlines.chain(wipes).chain(rules).min()
    }
}
