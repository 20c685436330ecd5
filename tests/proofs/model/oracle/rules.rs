//! Trust rules: making them, what they cover, taking them back.

use serde_json::{Value, json};

use super::{Expected, Interaction, Learnt, Oracle, Refusal, Rule, refused};
use crate::model::actors::Caller;
use crate::model::oracle::By;

/// What a rule says: two with the same terms are the same rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::model) struct Terms {
    pub(in crate::model) tool: String,
    pub(in crate::model) pattern: String,
    pub(in crate::model) scope: String,
    pub(in crate::model) decision: String,
    /// Whose requests it allows; any agent's where there is none. The inputs of this proof have no member beside the subject.
    pub(in crate::model) agent: Option<&'static str>,
    pub(in crate::model) allow_high_risk: bool,
    pub(in crate::model) lifetime: Option<i64>,
    pub(in crate::model) max_uses: Option<u64>,
}

impl Terms {
    /// Those of a rule without an end, as a decision makes it.
    pub(super) fn plain(tool: String, pattern: String, scope: String, decision: String) -> Self {
        Self { tool, pattern, scope, decision, agent: None, allow_high_risk: false, lifetime: None, max_uses: None }
    }

    fn read(body: &Value, tool: String) -> Self {
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        Self {
            allow_high_risk: body["allowHighRisk"] == true,
            lifetime: body["expiresInMs"].as_i64(),
            max_uses: body["maxUses"].as_u64(),
            ..Self::plain(tool, text("pattern"), text("scope"), text("decision"))
        }
    }

    /// Those of a rule that is made from a request: what it does not name is as that request has it, where it allows.
    pub(super) fn from(self, interaction: &Interaction) -> Self {
        let agent = (self.decision == "allow").then_some(interaction.by);
        Self { agent, ..self }
    }

    /// The patterns of this proof are plain: the whole command, or the start of it up to a last `*`.
    fn matches(&self, command: &str) -> bool {
        match self.pattern.strip_suffix(" *") {
            Some(program) => command == program || command.starts_with(&format!("{program} ")),
            None => command == self.pattern,
        }
    }

    /// Everywhere, a directory by whole components, or a string of the request's own.
    fn reaches(&self, interaction: &Interaction) -> bool {
        let directory = interaction.says("workingDir").as_str().unwrap();
        let is_offered = |option: &Value| option["scope"] == self.scope.as_str();
        match self.scope.as_str() {
            "everywhere" => true,
            scope if scope.starts_with('/') => {
                directory == scope || directory.starts_with(&format!("{}/", scope.trim_end_matches('/')))
            }
            _ => interaction.says("scopeOptions").as_array().unwrap().iter().any(is_offered),
        }
    }
}

impl Rule {
    /// Whether this has a say about a confirmation.
    pub(super) fn decides(&self, interaction: &Interaction, self_approval: bool) -> bool {
        let terms = &self.terms;
        let covers = self.status == "active"
            && interaction.kind == "confirmation"
            && terms.tool == *interaction.says("toolName")
            && terms.matches(interaction.says("input")["command"].as_str().unwrap())
            && terms.reaches(interaction);
        // Caution needs no permission, and no second person.
        let may_allow = terms.agent.is_none_or(|agent| agent == interaction.by)
            && (terms.allow_high_risk || interaction.says("riskLevel") != "high")
            && (self_approval || self.by != interaction.by);
        covers && (terms.decision != "allow" || may_allow)
    }
}

impl Oracle {
    pub(super) fn make_rule(&mut self, caller: Caller, body: &Value, learnt: &Learnt<'_>) -> Expected {
        let apply = body["applyToPending"].as_bool();
        let shown = |oracle: &Self, place: usize, resolved: Vec<String>| {
            let mut shown = json!({"accepted": true, "trustRule": oracle.rules[place].shown()});
            if apply == Some(true) {
                shown["resolved"] = json!(resolved);
            }
            shown
        };
        let terms = match body["toolName"].as_str() {
            Some(tool) => Terms::read(body, tool.to_owned()),
            None => {
                let place = self.find(caller, body["requestId"].as_str().unwrap())?;
                if let Some(made) = self.made_before(caller, place, body) {
                    return Ok((200, shown(self, made, Vec::new())));
                }
                Terms::read(body, self.source(caller, place, body)?).from(&self.interactions[place])
            }
        };
        let (place, is_new) = self.make(caller, terms, body["requestId"].clone(), learnt);
        let resolved = if apply == Some(true) { self.apply(place) } else { Vec::new() };
        Ok((if is_new { 201 } else { 200 }, shown(self, place, resolved)))
    }

    /// The tool of the request that a rule is made from, which must be pending and offer it.
    fn source(&self, caller: Caller, place: usize, body: &Value) -> Result<String, Refusal> {
        self.check_pending(place)?;
        if self.interactions[place].kind != "confirmation" {
            return refused(409, "wrong_kind");
        }
        self.check_open(place, caller)?;
        self.check_offered(place, body["pattern"].as_str().unwrap(), body["scope"].as_str().unwrap())?;
        Ok(self.interactions[place].says("toolName").as_str().unwrap().to_owned())
    }

    pub(super) fn check_offered(&self, place: usize, pattern: &str, scope: &str) -> Result<(), Refusal> {
        let interaction = &self.interactions[place];
        let offers = |list: &str, member: &str, wanted: &str| {
            interaction.says(list).as_array().unwrap().iter().any(|option| option[member] == wanted)
        };
        if interaction.says("persistentDecisionsAllowed") == false {
            refused(403, "persistent_decisions_not_allowed")
        } else if !offers("allowlistOptions", "pattern", pattern) {
            refused(403, "pattern_not_offered")
        } else if !offers("scopeOptions", "scope", scope) {
            refused(403, "scope_not_offered")
        } else {
            Ok(())
        }
    }

    /// A rule that was applied may have resolved the very request that it came from: its maker may repeat itself.
    fn made_before(&self, caller: Caller, place: usize, body: &Value) -> Option<usize> {
        let Some(By::Rule(id)) = self.interactions[place].end.as_ref().map(|end| &end.by) else {
            return None;
        };
        let made = self.rules.iter().position(|rule| rule.id == *id)?;
        let rule = &self.rules[made];
        let is_it = rule.status == "active"
            && rule.from == body["requestId"]
            && rule.by == caller.name
            && rule.terms == Terms::read(body, rule.terms.tool.clone()).from(&self.interactions[place]);
        is_it.then_some(made)
    }

    /// The place of the rule that says this, and whether it is new.
    pub(super) fn make(&mut self, caller: Caller, terms: Terms, from: Value, learnt: &Learnt<'_>) -> (usize, bool) {
        if let Some(place) = self.rules.iter().position(|rule| rule.status == "active" && rule.terms == terms) {
            return (place, false);
        }
        let id = (learnt.newest_rule)();
        self.history.told("trust_rule.created", from.as_str(), Some(&id), Some(caller.name), self.now);
        self.rules.push(Rule {
            id,
            status: "active",
            created: self.now,
            by: caller.name,
            from,
            expires: terms.lifetime.map(|lifetime| self.now + lifetime),
            terms,
            uses: 0,
            last_used: None,
            revoked: None,
        });
        (self.rules.len() - 1, true)
    }

    /// Resolves all that is pending and that the rule covers, the oldest first, as far as its uses reach.
    fn apply(&mut self, place: usize) -> Vec<String> {
        let mut resolved = Vec::new();
        for waiting in 0..self.interactions.len() {
            let (rule, interaction) = (&self.rules[place], &self.interactions[waiting]);
            let says = |decision: &str| {
                let self_approval = self.settings.self_approval;
                self.rules
                    .iter()
                    .any(|rule| rule.terms.decision == decision && rule.decides(interaction, self_approval))
            };
            let status = match rule.terms.decision.as_str() {
                "deny" => "rejected",
                "allow" if !says("deny") && !says("ask") => "approved",
                _ => continue,
            };
            if interaction.end.is_none() && rule.decides(interaction, self.settings.self_approval) {
                resolved.push(interaction.id.clone());
                self.decide_by_rule(waiting, &rule.id.clone(), status);
            }
        }
        resolved
    }

    pub(super) fn revoke(&mut self, caller: Caller, id: &str) -> Expected {
        let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) else {
            return refused(404, "unknown_rule");
        };
        if rule.status == "active" {
            rule.status = "revoked";
            rule.revoked = Some((self.now, caller.name));
            self.history.told("trust_rule.revoked", None, Some(id), Some(caller.name), self.now);
        }
        Ok((200, rule.shown()))
    }
}
