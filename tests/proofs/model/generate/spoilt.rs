//! Requests that are malformed, each in one of a few ways.

use serde_json::{Value, json};

use super::Author;
use crate::model::request::{Request, Verb};

impl Author<'_> {
    /// Spoils a request, so that it is refused before anything is looked up.
    pub(super) fn spoil(&mut self, mut request: Request) -> Request {
        request.is_malformed = true;
        if request.method() != "POST" {
            self.spoil_query(&mut request);
            return request;
        }
        let ways = ways(request.verb);
        if request.body.is_null() {
            request.body = json!({});
        }
        for (member, value) in self.rng.pick(&ways) {
            request.body[member] = value;
        }
        request
    }

    fn spoil_query(&mut self, request: &mut Request) {
        let colour = ("colour", "red".to_owned());
        let way = match request.verb {
            Verb::Look => ("waitMs", "300001".to_owned()),
            Verb::List | Verb::ListRules | Verb::Pending | Verb::Audit => ("limit", "501".to_owned()),
            Verb::Register
            | Verb::Cancel
            | Verb::Claim
            | Verb::Report
            | Verb::Take
            | Verb::Supersede
            | Verb::Confirm
            | Verb::Secret
            | Verb::Question
            | Verb::MakeRule
            | Verb::LookRule
            | Verb::Revoke
            | Verb::Withdraw
            | Verb::Wipe => colour.clone(),
        };
        let (member, value) = if self.rng.percent(50) { way } else { colour };
        request.query.retain(|(name, _)| *name != member);
        request.query.push((member, value));
    }
}

type Way = Vec<(&'static str, Value)>;

/// What makes a body of this verb malformed, whatever else it says.
fn ways(verb: Verb) -> Vec<Way> {
    let mut ways = vec![vec![("colour", json!("red"))]];
    ways.extend(match verb {
        Verb::Register => vec![
            vec![("expiresInMs", json!(1000)), ("expiresAt", json!("2031-01-01T00:00:00.000Z"))],
            vec![("kind", json!("wish"))],
            vec![("requestId", json!(".."))],
            vec![("confirmation", json!({})), ("secret", json!({}))],
            vec![("metadata", json!([]))],
        ],
        Verb::Confirm => vec![
            vec![("decision", json!("maybe"))],
            vec![("decision", Value::Null)],
            vec![("updatedInput", json!([]))],
            vec![("selectedPattern", json!("make *")), ("selectedScope", Value::Null)],
        ],
        Verb::Secret => vec![vec![("value", json!(" \n"))], vec![("delivery", json!("shout"))]],
        Verb::Question => vec![
            vec![("responses", json!({}))],
            vec![("responses", json!([{"questionId": "colour"}]))],
            vec![("responses", json!([{"questionId": "why", "text": "a"}, {"questionId": "why", "text": "b"}]))],
        ],
        Verb::MakeRule => vec![
            vec![("requestId", json!("i0")), ("toolName", json!("shell"))],
            vec![("maxUses", json!(0))],
            vec![("expiresInMs", json!(0))],
            vec![("pattern", json!(""))],
        ],
        Verb::Claim => vec![vec![("claimId", json!("not an id"))]],
        Verb::Report => vec![vec![("outcome", json!("so so"))], vec![("claimId", Value::Null)]],
        Verb::Take => vec![vec![("takeId", json!(""))]],
        Verb::Look
        | Verb::List
        | Verb::Cancel
        | Verb::Supersede
        | Verb::ListRules
        | Verb::LookRule
        | Verb::Revoke
        | Verb::Pending
        | Verb::Audit
        | Verb::Withdraw
        | Verb::Wipe => Vec::new(),
    });
    ways
}
