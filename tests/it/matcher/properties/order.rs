//! What rules decide together is what they decide one by one, in whatever order they were made.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::always;
use crate::matching::asked::{Asked, Decided, Kind, rule};
use countersign::domain::enums::RuleDecision;
use countersign::domain::id::RuleId;
use countersign::domain::rule_set::RuleSet;
use countersign::domain::trust_rule::TrustRule;

const PATTERNS: &[&str] = &[
    "*",
    "git *",
    "git log *",
    "git log",
    "git * x",
    "* log",
    "git log && ls",
    "ls",
    "ls *",
    "ls -l *",
    "ls -l",
    "rm *",
    "rm",
    "rm -rf *",
    "rm * x",
    "sudo rm x",
    "sudo *",
    "cat > x",
    "cat *",
    "xargs *",
    "echo $x",
    "g* log",
    "*t log",
    "ls a/*",
    "ls a/**",
    "/srv/**",
    "/srv/*",
    "/srv/a",
    "**",
    "a/*",
    "https://*.example.com/**",
    "https://a.example.com/x",
    "https://**",
    "{\"query\":\"*\"}",
    "curl https://*.example.com/**",
    "git lo\\*",
    "GIT LOG",
    "./rm",
    "l*",
    "eval *",
];

/// Single commands: joined they are lines.
const COMMANDS: &[&str] = &[
    "git log",
    "git log -3",
    "git push x",
    "git 'log'",
    "ls",
    "ls -l",
    "ls -l a",
    "ls a/b",
    "ls a/.b",
    "ls *",
    "rm x",
    "rm -rf /",
    "/bin/rm x",
    "sudo rm x",
    "sudo -u a rm x",
    "cat > x",
    "cat x",
    "xargs rm",
    "echo $x",
    "echo \"$(rm x)\"",
    "eval 'rm x'",
    "sh -c 'git log; rm x'",
    "$x",
    "find . -exec rm {} +",
    "curl https://a.example.com/x",
    "curl https://a.example.com.evil.net/x",
    "timeout 5 git log",
    "./rm",
    "g\"i\"t log",
    "unknown",
    "env A=b rm -rf x",
];

const OTHERS: &[(Kind, &str)] = &[
    (Kind::Path, "/srv/a"),
    (Kind::Path, "/srv/a/b"),
    (Kind::Path, "/srv/.a"),
    (Kind::Path, "/SRV/a"),
    (Kind::Path, "a/b"),
    (Kind::Path, "/srv/../etc"),
    (Kind::Url, "https://a.example.com/x"),
    (Kind::Url, "https://example.com/x"),
    (Kind::Url, "https://a.example.com/%2e"),
    (Kind::Text, "rain"),
    (Kind::Text, "a \" b"),
    (Kind::Own, "git log"),
    (Kind::Own, "https://a.example.com/x"),
    (Kind::Own, "rm x"),
];

/// Some of all rules, in any order.
fn some_rules() -> impl Strategy<Value = Vec<TrustRule>> {
    let decisions = vec![RuleDecision::Allow, RuleDecision::Allow, RuleDecision::Deny, RuleDecision::Ask];
    let some = prop::collection::vec((select(PATTERNS), select(decisions)), 0..10);
    some.prop_map(|some| some.into_iter().filter_map(|(pattern, decision)| rule(decision, pattern)).collect())
}

/// Commands that are asked for in one line, and what they are joined by.
fn lines() -> impl Strategy<Value = (Vec<&'static str>, &'static str)> {
    (subsequence(COMMANDS, 1..4), select(&[" && ", "; ", " | ", "\n", " || "][..]))
}

fn alone(rule: &TrustRule, asked: &Asked) -> Decided {
    asked.decided_by(&RuleSet::from_iter([rule.clone()]))
}

/// What the rules decide, said as plainly as it can be: by asking each of them alone.
fn plainly(rules: &[TrustRule], whole: &Asked, commands: &[Asked]) -> Decided {
    let cautious = rules.iter().filter(|rule| rule.terms.decision != RuleDecision::Allow);
    let warnings = cautious.map(|rule| alone(rule, whole)).collect::<Vec<_>>();
    let of = |wanted: fn(&Decided) -> bool| warnings.iter().find(|decided| wanted(decided)).cloned();
    let warning = of(|decided| matches!(decided, Decided::Deny(_)))
        .or_else(|| of(|decided| matches!(decided, Decided::Ask(Some(_)))))
        .or_else(|| of(|decided| matches!(decided, Decided::Ask(None))));
    if let Some(warning) = warning {
        return warning;
    }
    let allowing = rules.iter().filter(|rule| rule.terms.decision == RuleDecision::Allow).collect::<Vec<_>>();
    let first = |asked: &Asked, wanted: &dyn Fn(&TrustRule) -> bool| -> Option<RuleId> {
        let found = allowing.iter().find(|rule| wanted(rule) && matches!(alone(rule, asked), Decided::Allow(_)));
        found.map(|rule| rule.rule_id.clone())
    };
    let to_the_letter = |rule: &TrustRule| {
        let pattern = rule.terms.pattern.as_str();
        pattern == whole.subject() && !pattern.replace("\\*", "").contains('*')
    };
    if let Some(rule) = first(whole, &to_the_letter) {
        return Decided::Allow(vec![rule]);
    }
    if commands.is_empty() {
        return first(whole, &|_| true).map_or(Decided::Open, |rule| Decided::Allow(vec![rule]));
    }
    if whole.doubt().is_some() {
        return Decided::Open;
    }
    let mut named = Vec::new();
    for command in commands {
        match first(command, &|_| true) {
            Some(rule) if named.contains(&rule) => {}
            Some(rule) => named.push(rule),
            None => return Decided::Open,
        }
    }
    Decided::Allow(named)
}

fn whole_and_parts((commands, joint): (Vec<&'static str>, &'static str)) -> (Asked, Vec<Asked>) {
    let whole = Asked::command(&commands.join(joint));
    (whole, commands.into_iter().map(Asked::command).collect())
}

#[test]
fn rules_decide_about_a_line_what_each_of_them_alone_says_about_its_commands() {
    always(4000, &(some_rules(), lines()), |(rules, line)| {
        let (whole, commands) = whole_and_parts(line);
        let together = whole.decided_by(&rules.iter().cloned().collect());
        prop_assert_eq!(together, plainly(&rules, &whole, &commands), "{:?}", whole.subject());
        Ok(())
    });
}

#[test]
fn rules_decide_about_anything_else_what_each_of_them_alone_says() {
    always(2000, &(some_rules(), select(OTHERS)), |(rules, (kind, text))| {
        let asked = Asked::new(kind, text).ok_or_else(|| TestCaseError::fail("no subject"))?;
        let together = asked.decided_by(&rules.iter().cloned().collect());
        let is_line = kind == Kind::Own && !text.contains("://");
        let commands = if is_line { vec![Asked::command(text)] } else { Vec::new() };
        prop_assert_eq!(together, plainly(&rules, &asked, &commands), "{:?}", text);
        Ok(())
    });
}

/// Which of several that say the same is named is a matter of age; what is decided is not, nor who could be named.
#[test]
fn the_order_in_which_rules_were_made_changes_no_decision() {
    let orders = some_rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle()));
    always(3000, &(orders, lines()), |((rules, shuffled), line)| {
        let (whole, commands) = whole_and_parts(line);
        let decide = |rules: &[TrustRule]| whole.decided_by(&rules.iter().cloned().collect());
        let (one, other) = (decide(&rules), decide(&shuffled));
        prop_assert_eq!(std::mem::discriminant(&one), std::mem::discriminant(&other), "{:?}", whole.subject());
        let entitled = |named: &RuleId| {
            let rule = rules.iter().find(|rule| rule.rule_id == *named);
            rule.is_some_and(|rule| {
                std::iter::once(&whole).chain(&commands).any(|asked| alone(rule, asked) != Decided::Open)
            })
        };
        for decided in [one, other] {
            let named = match decided {
                Decided::Deny(rule) | Decided::Ask(Some(rule)) => vec![rule],
                Decided::Allow(rules) => rules,
                Decided::Ask(None) | Decided::Open => Vec::new(),
            };
            prop_assert!(named.iter().all(entitled), "{:?} is decided by {named:?}", whole.subject());
            prop_assert_eq!(named.iter().map(RuleId::as_str).collect::<BTreeSet<_>>().len(), named.len());
        }
        Ok(())
    });
}

/// A rule that is gone decides as little as one that was never made.
#[test]
fn rules_that_were_removed_leave_the_others_as_they_would_be_without() {
    always(1000, &(some_rules(), some_rules(), lines(), 0_usize..40), |(stay, go, line, churn)| {
        let (whole, _) = whole_and_parts(line);
        let mut rules = RuleSet::default();
        for rule in &go {
            rules.insert(rule.clone());
        }
        for rule in &stay {
            rules.insert(rule.clone());
        }
        // Enough of them that the index is made anew in between.
        for _ in 0..churn {
            let passing = rule(RuleDecision::Deny, "*").ok_or_else(|| TestCaseError::fail("no rule"))?;
            rules.insert(passing.clone());
            rules.remove(&passing.rule_id);
        }
        for rule in &go {
            rules.remove(&rule.rule_id);
        }
        prop_assert_eq!(whole.decided_by(&rules), whole.decided_by(&stay.iter().cloned().collect()));
        Ok(())
    });
}
