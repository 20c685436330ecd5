//! How an interaction ended, and who or what ended it.

use std::fmt;

use crate::domain::enums::{Delivery, Outcome};
use crate::domain::interaction::ResolvedBy;

/// Who or what resolved it, after "by".
#[must_use]
pub fn resolver(by: &ResolvedBy) -> String {
    match by {
        ResolvedBy::Principal(name) => name.to_string(),
        ResolvedBy::TrustRule(rule_id) => format!("trust rule {rule_id}"),
        ResolvedBy::System(_) => "the deadline".to_owned(),
    }
}

/// How an interaction ended: displayed as a sentence such as `approved by ada with an edited input`.
#[derive(Clone, Debug)]
pub struct Ending {
    outcome: Outcome,
    /// After "by"; none where only the deadline did it.
    by: Option<String>,
    delivery: Option<Delivery>,
    is_edited: bool,
}

impl Ending {
    /// That of an interaction that `by` resolved with `outcome`; `None`: that is not known.
    #[must_use]
    pub fn new(outcome: Outcome, by: Option<&ResolvedBy>) -> Self {
        let by = by.filter(|by| !matches!(by, ResolvedBy::System(_))).map(resolver);
        Self { outcome, by, delivery: None, is_edited: false }
    }

    /// The same, of a secret that is delivered like this.
    #[must_use]
    pub fn delivered(self, delivery: Option<Delivery>) -> Self {
        Self { delivery, ..self }
    }

    /// The same, of a confirmation that was approved with another input.
    #[must_use]
    pub fn edited(self, is_edited: bool) -> Self {
        Self { is_edited, ..self }
    }

    /// The same, told to the person who did it.
    #[must_use]
    pub fn by_you(self) -> Self {
        Self { by: Some("you".to_owned()), ..self }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, more) = match (self.outcome, self.delivery) {
            (Outcome::Approved, _) if self.is_edited => ("approved", " with an edited input"),
            (Outcome::Answered, Some(Delivery::Store)) => ("given", ", to be kept"),
            (Outcome::Answered, Some(Delivery::TransientSend)) => ("given", ", for one use"),
            (Outcome::Expired, _) => ("expired", ": no answer came in time"),
            (Outcome::Superseded, _) => ("superseded", ": the conversation went on"),
            (Outcome::Approved | Outcome::Rejected | Outcome::Answered | Outcome::Cancelled, _) => {
                (self.outcome.as_str(), "")
            }
        };
        match &self.by {
            Some(by) => write!(f, "{what} by {by}{more}"),
            None => write!(f, "{what}{more}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::interaction::System;

    #[test]
    fn an_ending_says_how_and_by_whom() {
        let ada = ResolvedBy::Principal("ada".parse().unwrap());
        let rule = ResolvedBy::TrustRule("rule-1".parse().unwrap());
        let says = |outcome, by| Ending::new(outcome, by).to_string();
        assert_eq!(says(Outcome::Rejected, Some(&ada)), "rejected by ada");
        assert_eq!(says(Outcome::Approved, Some(&rule)), "approved by trust rule rule-1");
        assert_eq!(says(Outcome::Approved, None), "approved");
        assert_eq!(
            says(Outcome::Expired, Some(&ResolvedBy::System(System::Expired))),
            "expired: no answer came in time"
        );
        assert_eq!(says(Outcome::Superseded, Some(&ada)), "superseded by ada: the conversation went on");
        let by_ada = |outcome| Ending::new(outcome, Some(&ada));
        assert_eq!(by_ada(Outcome::Approved).edited(true).to_string(), "approved by ada with an edited input");
        assert_eq!(by_ada(Outcome::Rejected).edited(true).to_string(), "rejected by ada");
        let given = by_ada(Outcome::Answered).by_you();
        assert_eq!(given.clone().delivered(Some(Delivery::Store)).to_string(), "given by you, to be kept");
        assert_eq!(given.delivered(Some(Delivery::TransientSend)).to_string(), "given by you, for one use");
    }
}
