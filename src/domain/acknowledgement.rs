//! What a person has to have seen, beside saying yes, before an approval counts: one function, for every surface.
//!
//! Browser, terminal and commands all ask [`required`], so that none of them lets pass what another stops at; over HTTP it
//! is a demand only with `--require-acknowledgements`. `service/confirm.rs` holds a decision to it. A denial needs nothing
//! of the kind: it does no harm. Neither does an answer to a question or to a request for a secret:
//! there a person gives something of their own, and does not let an agent's text be acted on.

use std::borrow::Cow;

use serde_json::Value;

use super::enums::{RiskLevel, string_enum};
use super::json::JsonObject;
use super::kinds::{Confirmation, Diff};
use super::visible::has_hidden;

/// From more characters than this on, the end of a text is not seen at a glance.
pub const LONG_CHARS: usize = 4_000;

/// Nor from more lines than this on.
pub const LONG_LINES: usize = 80;

string_enum! {
    /// What is easily overlooked, and has to be acknowledged with an approval.
    Acknowledgement {
        /// The agent itself calls it high risk.
        HighRisk = "high_risk",
        /// Some of it does not show, or looks like something else.
        HiddenCharacters = "hidden_characters",
        /// It does not fit on a screen: what matters may stand at its end.
        Long = "long",
    }
}

impl Acknowledgement {
    /// What an input by itself may need: all that an edit can add.
    pub const OF_INPUT: &'static [Self] = &[Self::HiddenCharacters, Self::Long];
}

/// What an approval of `asked` has to acknowledge, in the order of [`Acknowledgement`]'s words; with the input `updated` in
/// place of the proposed one, where a person has edited it.
///
/// An edited approval counts by both inputs. The proposed one is what the person was shown and began with, and what the
/// diff, the subject and the risk belong to: an edit makes none of that less dangerous. The edited one is what will be
/// done, and may have been pasted from anywhere, hidden characters and all.
///
/// The agent's reason does not count: it is a claim about what is approved, and no part of it.
#[must_use]
pub fn required(asked: &Confirmation, updated: Option<&JsonObject>) -> Vec<Acknowledgement> {
    let needs = |word: &Acknowledgement| match word {
        Acknowledgement::HighRisk => asked.risk_level == RiskLevel::High,
        Acknowledgement::HiddenCharacters => {
            hides(asked) || has_hidden_in(&asked.input) || updated.is_some_and(has_hidden_in)
        }
        Acknowledgement::Long => is_long(asked) || is_long_input(&asked.input) || updated.is_some_and(is_long_input),
    };
    Acknowledgement::ALL.iter().copied().filter(needs).collect()
}

/// What of `required` is not among `acknowledged`.
#[must_use]
pub fn missing(required: &[Acknowledgement], acknowledged: &[Acknowledgement]) -> Vec<Acknowledgement> {
    required.iter().copied().filter(|word| !acknowledged.contains(word)).collect()
}

/// The value of a member as it is shown: a string says itself, anything else is indented JSON.
#[must_use]
pub fn shown_value(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => text.into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("{value:#}").into()
        }
    }
}

/// What an approval is about beside the input.
fn around(asked: &Confirmation) -> impl Iterator<Item = &str> {
    let fixed = [Some(asked.tool_name.as_str()), asked.subject.as_deref(), asked.working_dir.as_deref()];
    let diff = asked.diff.iter().flat_map(|Diff { file_path, old_content, new_content, .. }| {
        [file_path.as_str(), old_content.as_str(), new_content.as_str()]
    });
    fixed.into_iter().flatten().chain(diff)
}

fn hides(asked: &Confirmation) -> bool {
    around(asked).any(has_hidden)
}

fn has_hidden_in(input: &JsonObject) -> bool {
    input.tree().iter().any(|(name, value)| has_hidden(name) || has_hidden(&shown_value(value)))
}

fn is_long(asked: &Confirmation) -> bool {
    around(asked).any(|text| Length::of(text).is_long())
}

/// All members count together: a text that is cut into pieces is as long as before.
fn is_long_input(input: &JsonObject) -> bool {
    let members = input.tree().iter().map(|(name, value)| {
        let (name, value) = (Length::of(name), Length::of(&shown_value(value)));
        // They stand in one line.
        Length { chars: name.chars + value.chars, lines: name.lines.max(1) + value.lines.max(1) - 1 }
    });
    members.fold(Length::default(), |sum, member| sum.and(&member)).is_long()
}

/// How much there is to read.
#[derive(Default)]
struct Length {
    chars: usize,
    lines: usize,
}

impl Length {
    fn of(text: &str) -> Self {
        Self { chars: text.chars().count(), lines: text.lines().count() }
    }

    const fn and(&self, other: &Self) -> Self {
        Self { chars: self.chars + other.chars, lines: self.lines + other.lines }
    }

    const fn is_long(&self) -> bool {
        self.chars > LONG_CHARS || self.lines > LONG_LINES
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Acknowledgement::{HiddenCharacters, HighRisk, Long};
    use super::*;

    /// A confirmation as it is once it was accepted, with these members in place of a harmless one's.
    fn asked(change: &Value) -> Confirmation {
        let mut asked = json!({"toolName": "shell", "input": {"command": "make"}, "subject": "make"});
        let members = asked.as_object_mut().unwrap();
        members.extend(change.as_object().unwrap().clone());
        serde_json::from_value(asked).unwrap()
    }

    fn of(change: &Value) -> Vec<Acknowledgement> {
        required(&asked(change), None)
    }

    fn input(value: &Value) -> JsonObject {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn diff(old: &str, new: &str) -> Value {
        json!({"diff": {"filePath": "/a", "oldContent": old, "newContent": new, "isNewFile": false}})
    }

    #[test]
    fn what_is_plain_and_short_needs_nothing() {
        for change in [
            json!({}),
            json!({"riskLevel": "low"}),
            json!({"riskLevel": "medium"}),
            json!({"input": {}}),
            json!({"input": {"text": "füge Ärger hinzu\n\t日本 ✨ – „so“"}}),
            json!({"input": {"deep": {"er": [1, null, true, "x"]}}}),
            diff("one\n", "two\n"),
        ] {
            assert_eq!(of(&change), [], "{change}");
        }
    }

    #[test]
    fn high_risk_is_acknowledged() {
        assert_eq!(of(&json!({"riskLevel": "high"})), [HighRisk]);
    }

    #[test]
    fn a_hidden_character_is_acknowledged_wherever_it_stands() {
        for change in [
            json!({"input": {"command": "ls \u{202e}x"}}),
            json!({"input": {"com\u{200b}mand": "ls"}}),
            json!({"input": {"argv": ["ls", {"deep": "a\u{200b}b"}]}}),
            json!({"input": {"command": "g\u{456}t push"}}),
            json!({"input": {"command": "ls\u{1b}[2K"}}),
            json!({"input": {"command": "ls\r\nrm"}}),
            json!({"toolName": "she\u{200b}ll"}),
            json!({"subject": "make\u{a0}x"}),
            json!({"workingDir": "/re\u{200d}po"}),
            diff("a\u{feff}", "a"),
            diff("a", "a\u{2066}"),
            json!({"diff": {"filePath": "/\u{430}pp", "oldContent": "", "newContent": "", "isNewFile": true}}),
        ] {
            assert_eq!(of(&change), [HiddenCharacters], "{change}");
        }
    }

    #[test]
    fn the_agents_reason_is_a_claim_and_no_part_of_what_is_approved() {
        assert_eq!(of(&json!({"reason": format!("\u{202e}{}", "so\n".repeat(9_000))})), []);
    }

    #[test]
    fn a_long_text_is_acknowledged_from_the_first_character_or_line_past_the_limit() {
        // The member's name is read, too.
        let fits = LONG_CHARS - "command".len();
        assert_eq!(of(&json!({"input": {"command": "é".repeat(fits)}})), []);
        assert_eq!(of(&json!({"input": {"command": "é".repeat(fits + 1)}})), [Long]);
        assert_eq!(of(&json!({"input": {"command": "x\n".repeat(LONG_LINES)}})), []);
        assert_eq!(of(&json!({"input": {"command": "x\n".repeat(LONG_LINES + 1)}})), [Long]);
        assert_eq!(of(&json!({"subject": "x".repeat(LONG_CHARS)})), []);
        assert_eq!(of(&json!({"subject": "x".repeat(LONG_CHARS + 1)})), [Long]);
    }

    #[test]
    fn either_side_of_a_diff_may_be_long() {
        let lines = |count| "x\n".repeat(count);
        assert_eq!(of(&diff(&lines(LONG_LINES), &lines(LONG_LINES))), []);
        assert_eq!(of(&diff(&lines(LONG_LINES + 1), "")), [Long]);
        assert_eq!(of(&diff("", &lines(LONG_LINES + 1))), [Long]);
        assert_eq!(of(&diff("", &"x".repeat(LONG_CHARS + 1))), [Long]);
    }

    #[test]
    fn what_is_cut_into_many_members_is_as_long_as_in_one() {
        let members = |count: usize, value: &str| {
            let members = (0..count).map(|number| (format!("{number:03}"), json!(value)));
            json!({"input": members.collect::<serde_json::Map<_, _>>()})
        };
        assert_eq!(of(&members(LONG_LINES, "x")), []);
        assert_eq!(of(&members(LONG_LINES + 1, "")), [Long]);
        assert_eq!(of(&members(10, &"x".repeat(397))), []);
        assert_eq!(of(&members(10, &"x".repeat(398))), [Long]);
    }

    #[test]
    fn what_is_nested_counts_as_it_is_shown() {
        // One line an element, and one for each bracket.
        let elements = |count: usize| json!({"input": {"argv": vec![1; count]}});
        assert_eq!(of(&elements(LONG_LINES - 2)), []);
        assert_eq!(of(&elements(LONG_LINES - 1)), [Long]);
    }

    #[test]
    fn several_are_listed_in_one_order() {
        let all = json!({"riskLevel": "high", "input": {"command": format!("\u{202e}{}", "x\n".repeat(100))}});
        assert_eq!(of(&all), [HighRisk, HiddenCharacters, Long]);
    }

    #[test]
    fn an_edit_counts_beside_what_was_proposed() {
        let (plain, hidden) = (asked(&json!({})), asked(&json!({"input": {"command": "ls \u{202e}"}})));
        let (short, hiding) = (input(&json!({"command": "ls"})), input(&json!({"command": "l\u{200b}s"})));
        let long = input(&json!({"command": "x\n".repeat(100)}));
        assert_eq!(required(&plain, Some(&short)), []);
        assert_eq!(required(&plain, Some(&hiding)), [HiddenCharacters]);
        assert_eq!(required(&plain, Some(&long)), [Long]);
        assert_eq!(required(&hidden, Some(&short)), [HiddenCharacters]);
        assert_eq!(required(&hidden, Some(&long)), [HiddenCharacters, Long]);
        assert_eq!(required(&asked(&json!({"riskLevel": "high"})), Some(&short)), [HighRisk]);
    }

    #[test]
    fn what_is_missing_is_what_was_not_said() {
        assert_eq!(missing(&[HighRisk, Long], &[]), [HighRisk, Long]);
        assert_eq!(missing(&[HighRisk, Long], &[Long, HiddenCharacters]), [HighRisk]);
        assert_eq!(missing(&[], &[Long]), []);
    }
}
