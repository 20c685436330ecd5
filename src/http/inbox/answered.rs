//! What came of an interaction: what its resolution says, and who acted on it.

use super::card::content;
use super::fact::Fact;
use crate::domain::interaction::{Claim, Record, Resolution};
use crate::domain::question::{Question, Response};
use crate::http::error::Problem;

/// What a resolution says beside who and when.
pub(super) fn answered(record: &Record, resolution: &Resolution) -> Result<Vec<Fact>, Problem> {
    let detail = &resolution.detail;
    let mut facts = Vec::new();
    facts.extend(detail.comment.as_ref().map(|comment| Fact::text("Comment", comment)));
    facts.extend(detail.updated_input.as_ref().map(|input| Fact::block("Approved with this input", input.text())));
    facts.extend(detail.updated_input_digest.as_ref().map(|digest| Fact::code("Its digest", digest)));
    facts.extend(detail.made_rule.iter().map(|rule_id| Fact::rule("Rule made with it", rule_id)));
    let rules = detail.trust_rules.iter().flatten();
    facts.extend(rules.map(|rule| Fact::rule("Decided by rule", &rule.rule_id)));
    facts.extend(detail.delivery.map(|delivery| Fact::text("Delivery", delivery.as_str())));
    if let Some(responses) = &detail.responses {
        let question: Question = content(record)?;
        facts.extend(responses.iter().map(|response| answer(&question, response)));
    }
    Ok(facts)
}

/// One answer, in the words of the question.
fn answer(question: &Question, response: &Response) -> Fact {
    let entry = question.entries.iter().find(|entry| entry.question_id == response.question_id);
    let options = entry.map(|entry| entry.options.as_slice()).unwrap_or_default();
    let option = options.iter().find(|option| Some(&option.option_id) == response.option_id.as_ref());
    let words = [option.map(|option| option.label.as_str()), response.text.as_deref()];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" – ");
    let text = entry.map_or(response.question_id.as_str(), |entry| &entry.text);
    Fact::text(text, if response.skipped { "skipped" } else { &words })
}

/// Who acts on it, and what came of that.
pub(super) fn claimed(claim: &Claim) -> Vec<Fact> {
    let mut facts = vec![Fact::code("Claim", claim.claim_id.as_str()), Fact::at("Claimed", claim.claimed_at)];
    match &claim.report {
        Some(report) => {
            facts.push(Fact::text("Outcome", report.outcome.as_str()));
            facts.push(Fact::at("Reported", report.at));
            facts.extend(report.detail.as_ref().map(|detail| Fact::block("What the agent says of it", detail)));
        }
        None => facts.push(Fact::text("Outcome", "not reported")),
    }
    facts
}
