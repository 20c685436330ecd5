//! What came of an interaction: what its resolution says, and who acted on it.

use super::fact::DetailRow;
use crate::domain::interaction::{Claim, Record, Resolution};
use crate::domain::kinds::{Question, Response};

/// What a resolution says beside who and when.
pub(super) fn answered(record: &Record, resolution: &Resolution) -> Vec<DetailRow> {
    let detail = &resolution.detail;
    let mut facts = Vec::new();
    facts.extend(detail.comment.as_ref().map(|comment| DetailRow::text("Comment", comment)));
    facts.extend(detail.updated_input.as_ref().map(|input| DetailRow::block("Approved with this input", input.text())));
    facts.extend(detail.updated_input_digest.as_ref().map(|digest| DetailRow::code("Its digest", digest)));
    facts.extend(detail.made_rule.iter().map(|rule_id| DetailRow::rule("Rule made with it", rule_id)));
    let rules = detail.trust_rules.iter().flatten();
    facts.extend(rules.map(|rule| DetailRow::rule("Decided by rule", &rule.rule_id)));
    facts.extend(detail.delivery.map(|delivery| DetailRow::text("Delivery", delivery.as_str())));
    if let (Some(responses), Some(question)) = (&detail.responses, record.body.content.question()) {
        facts.extend(responses.iter().map(|response| answer(question, response)));
    }
    facts
}

/// One answer, in the words of the question.
fn answer(question: &Question, response: &Response) -> DetailRow {
    let entry = question.entries.iter().find(|entry| entry.question_id == response.question_id);
    let options = entry.map(|entry| entry.options.as_slice()).unwrap_or_default();
    let option = options.iter().find(|option| Some(&option.option_id) == response.option_id.as_ref());
    let words = [option.map(|option| option.label.as_str()), response.text.as_deref()];
    let words = words.into_iter().flatten().collect::<Vec<_>>().join(" – ");
    let text = entry.map_or(response.question_id.as_str(), |entry| &entry.text);
    DetailRow::text(text, if response.skipped { "skipped" } else { &words })
}

/// Who acts on it, and what came of that.
pub(super) fn claimed(claim: &Claim) -> Vec<DetailRow> {
    let mut facts = vec![DetailRow::code("Claim", claim.claim_id.as_str()), DetailRow::at("Claimed", claim.claimed_at)];
    match &claim.report {
        Some(report) => {
            facts.push(DetailRow::text("Outcome", report.outcome.as_str()));
            facts.push(DetailRow::at("Reported", report.at));
            facts.extend(report.detail.as_ref().map(|detail| DetailRow::block("What the agent says of it", detail)));
        }
        None => facts.push(DetailRow::text("Outcome", "not reported")),
    }
    facts
}
