//! A rule as it stands in the editor: what is typed, and what is wrong with it.

use super::forms::Fields;
use crate::config::Limits;
use crate::domain::bounded::{LifetimeMs, Uses};
use crate::domain::enums::RuleDecision;
use crate::domain::id::ToolName;
use crate::domain::kinds::Confirmation;
use crate::domain::matcher::{Subject, scopes};
use crate::domain::pattern::{Pattern, Scope};
use crate::domain::trust_rule::Terms;

/// What a lifetime is counted in, and how many milliseconds that is.
const UNITS: [(&str, u64); 3] = [("minutes", 60_000), ("hours", 3_600_000), ("days", 86_400_000)];

/// One field of the editor.
#[derive(Debug, Default)]
pub(super) struct Field {
    pub(super) typed: String,
    /// What is wrong with it.
    pub(super) fault: Option<String>,
}

/// A rule that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) tool_name: Field,
    pub(super) pattern: Field,
    pub(super) scope: Field,
    pub(super) decision: Field,
    pub(super) lifetime: Field,
    pub(super) unit: String,
    pub(super) max_uses: Field,
    pub(super) allow_high_risk: bool,
    pub(super) apply_to_pending: bool,
}

impl Field {
    fn typed(text: impl Into<String>) -> Self {
        Self { typed: text.into(), fault: None }
    }

    /// What was typed, read; or its fault is kept.
    fn read<T, E: Into<String>>(&mut self, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let read =
            if self.typed.is_empty() { Err("Fill this in.".to_owned()) } else { read(&self.typed).map_err(E::into) };
        read.map_err(|fault| self.fault = Some(fault)).ok()
    }

    /// The same, where it may be left empty.
    fn read_if_any<T>(&mut self, read: impl FnOnce(&str) -> Result<T, String>) -> Option<Option<T>> {
        if self.typed.trim().is_empty() { Some(None) } else { self.read(read).map(Some) }
    }
}

impl Draft {
    /// One where nothing is typed yet.
    pub(super) fn blank() -> Self {
        Self {
            scope: Field::typed(Scope::EVERYWHERE),
            decision: Field::typed(RuleDecision::Allow.as_str()),
            unit: "days".to_owned(),
            ..Self::default()
        }
    }

    /// One for the like of `asked`: the narrowest pattern and scope that cover it.
    pub(super) fn like(asked: &Confirmation, limits: &Limits) -> Self {
        let offered = Subject::of(asked).offers(limits.max_pattern_bytes).into_iter().next();
        let scope = scopes(asked.working_dir.as_deref()).into_iter().next();
        Self {
            tool_name: Field::typed(asked.tool_name.as_str()),
            pattern: Field::typed(offered.as_ref().map_or("", |offered| offered.pattern.as_str())),
            scope: Field::typed(scope.as_ref().map_or(Scope::EVERYWHERE, |offered| offered.scope.as_str())),
            ..Self::blank()
        }
    }

    /// What a form has sent.
    pub(super) fn sent(fields: &Fields) -> Self {
        let text = |name| fields.get(name).unwrap_or_default().to_owned();
        let field = |name| Field::typed(text(name));
        Self {
            tool_name: Field::typed(text("toolName").trim()),
            pattern: field("pattern"),
            scope: Field::typed(text("scope").trim()),
            decision: field("decision"),
            lifetime: field("lifetime"),
            unit: text("unit"),
            max_uses: field("maxUses"),
            allow_high_risk: fields.get("allowHighRisk").is_some(),
            apply_to_pending: fields.get("applyToPending").is_some(),
        }
    }

    /// The rule that this is, or `None`: then the fields at fault say why.
    pub(super) fn read(&mut self, limits: &Limits) -> Option<(ToolName, Terms)> {
        let longest = limits.max_pattern_bytes;
        let short = |text: &str| match text.len() > longest {
            true => Err(format!("This is longer than {longest} bytes.")),
            false => Ok(text.to_owned()),
        };
        let tool_name = self.tool_name.read(str::parse::<ToolName>);
        let pattern = self.pattern.read(|text| Pattern::try_from(short(text)?).map_err(str::to_owned));
        let scope = self.scope.read(|text| Scope::try_from(short(text)?).map_err(str::to_owned));
        let decision = self.decision.read(str::parse::<RuleDecision>);
        let unit = UNITS.iter().find(|(unit, _)| *unit == self.unit).map(|(_, millis)| *millis);
        let lifetime = self.lifetime.read_if_any(|text| lifetime(text, unit));
        let max_uses = self.max_uses.read_if_any(uses);
        let terms = Terms {
            pattern: pattern?,
            scope: scope?,
            decision: decision?,
            allow_high_risk: self.allow_high_risk,
            lifetime_ms: lifetime?.map(LifetimeMs::get),
            max_uses: max_uses?.map(Uses::get),
        };
        Some((tool_name?, terms))
    }

    /// What is wrong, field by field.
    pub(super) fn faults(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("Tool", &self.tool_name),
            ("Pattern", &self.pattern),
            ("Scope", &self.scope),
            ("Decision", &self.decision),
            ("Lasts", &self.lifetime),
            ("Uses", &self.max_uses),
        ];
        fields.into_iter().filter_map(|(label, field)| Some((label, field.fault.as_deref()?))).collect()
    }

    /// What may be chosen as a decision, what it means, and whether it is chosen.
    pub(super) fn decisions(&self) -> Vec<(&'static str, &'static str, bool)> {
        let about = |decision| match decision {
            RuleDecision::Allow => "approve them",
            RuleDecision::Deny => "reject them, whatever else allows them",
            RuleDecision::Ask => "leave them to a person, whatever else allows them",
        };
        let all = RuleDecision::ALL.iter();
        all.map(|decision| (decision.as_str(), about(*decision), self.decision.typed == decision.as_str())).collect()
    }

    /// What a lifetime may be counted in, and whether it is.
    pub(super) fn units(&self) -> Vec<(&'static str, bool)> {
        UNITS.iter().map(|(unit, _)| (*unit, self.unit == *unit)).collect()
    }
}

fn lifetime(typed: &str, unit: Option<u64>) -> Result<LifetimeMs, String> {
    let number = typed.trim().parse::<u64>().ok();
    let millis = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    millis.and_then(LifetimeMs::new).ok_or_else(|| "A whole number of these, at most a hundred years.".to_owned())
}

fn uses(typed: &str) -> Result<Uses, String> {
    let number = typed.trim().parse::<u64>().ok();
    number.and_then(Uses::new).ok_or_else(|| "A whole number from 1 on, or nothing.".to_owned())
}
