//! A rule as it stands in the editor: what is typed, and what is wrong with it.

use std::collections::BTreeMap;

use super::forms::{Field, Fields};
use crate::config::Limits;
use crate::domain::bounded::{LifetimeMs, Uses};
use crate::domain::enums::{ExecutionTarget, RuleDecision};
use crate::domain::id::{PrincipalName, ToolName};
use crate::domain::kinds::Confirmation;
use crate::domain::matcher::Subject;
use crate::domain::members::{Members, Pointer};
use crate::domain::pattern::{Pattern, Reason, Scope};
use crate::domain::tools::Profiles;
use crate::domain::trust_rule::{Parts, Terms};

/// What a lifetime is counted in, and how many milliseconds that is.
const UNITS: [(&str, u64); 3] = [("minutes", 60_000), ("hours", 3_600_000), ("days", 86_400_000)];

/// A rule that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) tool_name: Field,
    pub(super) pattern: Field,
    pub(super) scope: Field,
    pub(super) decision: Field,
    /// What it says of the other members, row by row.
    pub(super) members: Vec<MemberRow>,
    /// What is wrong with them.
    pub(super) members_fault: Option<String>,
    pub(super) any_members: bool,
    pub(super) agent: Field,
    pub(super) target: Field,
    pub(super) reason: Field,
    pub(super) lifetime: Field,
    pub(super) unit: String,
    pub(super) max_uses: Field,
    pub(super) allow_high_risk: bool,
    pub(super) apply_to_pending: bool,
}

/// What a rule says of one member.
#[derive(Clone, Debug, Default)]
pub(super) struct MemberRow {
    pub(super) pointer: String,
    pub(super) pattern: String,
    /// Whether it may say anything.
    pub(super) is_free: bool,
}

/// How many rows there are for members that are not spoken of yet.
const BLANK_ROWS: usize = 2;

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

    /// One for the like of `asked`, which `registered_by` has registered: the narrowest pattern and scope that cover it, and
    /// everything else as it is there.
    pub(super) fn like(
        asked: &Confirmation,
        registered_by: &PrincipalName,
        profiles: &Profiles,
        limits: &Limits,
    ) -> Self {
        let subject = Subject::by(asked, profiles);
        let members = subject.own_members().unwrap_or_default();
        let members = members.iter().map(|(pointer, pattern)| MemberRow {
            pointer: pointer.as_str().to_owned(),
            pattern: pattern.to_owned(),
            is_free: false,
        });
        let offered = subject.offers(limits.max_pattern_bytes).into_iter().next();
        let scope = subject.scopes(asked.working_dir.as_deref()).into_iter().next();
        Self {
            tool_name: Field::typed(asked.tool_name.as_str()),
            pattern: Field::typed(offered.as_ref().map_or("", |offered| offered.pattern.as_str())),
            scope: Field::typed(scope.as_ref().map_or(Scope::EVERYWHERE, |offered| offered.scope.as_str())),
            members: members.collect(),
            agent: Field::typed(registered_by.as_str()),
            target: Field::typed(asked.execution_target.map_or("", ExecutionTarget::as_str)),
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
            members: member_rows(fields),
            members_fault: None,
            any_members: fields.get("anyMembers").is_some(),
            agent: Field::typed(text("agent").trim()),
            target: field("target"),
            reason: field("reason"),
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
        let scope = self.scope.read(|text| {
            let scope = Scope::try_from(short(text)?)?;
            scope.check().map(|()| scope).map_err(str::to_owned)
        });
        let decision = self.decision.read(str::parse::<RuleDecision>);
        let unit = UNITS.iter().find(|(unit, _)| *unit == self.unit).map(|(_, millis)| *millis);
        let lifetime = self.lifetime.read_if_any(|text| lifetime(text, unit));
        let max_uses = self.max_uses.read_if_any(uses);
        let members = self.read_members();
        let agent = self.agent.read_if_any(|text| text.parse::<PrincipalName>().map_err(str::to_owned));
        let target = self.target.read_if_any(str::parse::<ExecutionTarget>);
        let reason = self.reason.read_if_any(|text| Ok::<_, String>(Reason::try_from(short(text)?)?));
        let parts = Parts { members: members?, agent: agent?, execution_target: target? };
        let terms = Terms {
            pattern: pattern?,
            scope: scope?,
            decision: decision?,
            parts,
            reason: reason?,
            allow_high_risk: self.allow_high_risk,
            lifetime_ms: lifetime?.map(LifetimeMs::get),
            max_uses: max_uses?.map(Uses::get),
        };
        Some((tool_name?, terms))
    }

    /// What is said of the members, or `None`: then the fault is kept.
    fn read_members(&mut self) -> Option<Members> {
        let any = self.any_members.then(|| (Pointer::root(), Members::ANY.to_owned()));
        let rows = self.members.iter().filter(|row| !row.pointer.is_empty());
        let said = rows.map(|row| {
            let pattern = if row.is_free { Members::ANY } else { row.pattern.as_str() };
            Ok::<_, String>((row.pointer.parse::<Pointer>()?, pattern.to_owned()))
        });
        let said = any.into_iter().map(Ok).chain(said).collect::<Result<BTreeMap<_, _>, _>>();
        said.and_then(Members::new).map_err(|fault| self.members_fault = Some(fault)).ok()
    }

    /// The rows of the members, with some for more.
    pub(super) fn member_rows(&self) -> Vec<MemberRow> {
        let blank = std::iter::repeat_n(MemberRow::default(), BLANK_ROWS);
        self.members.iter().filter(|row| !row.pointer.is_empty()).cloned().chain(blank).collect()
    }

    /// Where what it is about may run, and whether that is chosen.
    pub(super) fn targets(&self) -> Vec<(&'static str, bool)> {
        ExecutionTarget::ALL.iter().map(|target| (target.as_str(), self.target.typed == target.as_str())).collect()
    }

    /// What is wrong, field by field.
    pub(super) fn faults(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("Tool", &self.tool_name),
            ("Pattern", &self.pattern),
            ("Scope", &self.scope),
            ("Decision", &self.decision),
            ("Agent", &self.agent),
            ("Runs on", &self.target),
            ("Reason", &self.reason),
            ("Lasts", &self.lifetime),
            ("Uses", &self.max_uses),
        ];
        let members = self.members_fault.as_deref().map(|fault| ("Members", fault));
        fields.into_iter().filter_map(|(label, field)| Some((label, field.fault.as_deref()?))).chain(members).collect()
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

/// The rows of a form: each has a pointer and a pattern, and may be ticked by its pointer.
fn member_rows(fields: &Fields) -> Vec<MemberRow> {
    let free = fields.all("memberFree").collect::<Vec<_>>();
    let rows = fields.all("memberPointer").zip(fields.all("memberPattern"));
    let rows = rows.map(|(pointer, pattern)| MemberRow {
        pointer: pointer.trim().to_owned(),
        pattern: pattern.to_owned(),
        is_free: free.contains(&pointer),
    });
    rows.collect()
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
