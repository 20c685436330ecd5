//! What a caller should know of a request that was carried out all the same.

use super::matcher::NeverMatches;
use super::pattern::Pattern;

/// Something to mind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No person has a token with which the interaction could be answered.
    NobodyCanAnswer,
    /// A rule was made from a request of high risk, and does not cover high risk.
    HighRiskNotCovered,
    /// An approval was taken back, and a rule that was made with it goes on.
    RuleStillActive,
    /// The agent offered this pattern, which does not cover its own request: it is left out.
    OfferDoesNotCover(Pattern),
    /// The agent offered this pattern, which is far wider than its request: it is left out.
    OfferTooWide(Pattern),
    /// A rule has this pattern, which covers no call of its tool.
    PatternNeverMatches(Pattern, NeverMatches),
}

impl Warning {
    /// A code for programs.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NobodyCanAnswer => "nobody_can_answer",
            Self::HighRiskNotCovered => "high_risk_not_covered",
            Self::RuleStillActive => "rule_still_active",
            Self::OfferDoesNotCover(_) => "offer_does_not_cover",
            Self::OfferTooWide(_) => "offer_too_wide",
            Self::PatternNeverMatches(..) => "pattern_never_matches",
        }
    }

    /// A sentence for a person.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::NobodyCanAnswer => {
                "no approver can answer this: create a token with `countersign token create --role approver`".to_owned()
            }
            Self::RuleStillActive => {
                "the rule that was made with this approval goes on deciding: revoke it, too, if it is not meant to"
                    .to_owned()
            }
            Self::HighRiskNotCovered => {
                "this request is of high risk, and the rule covers no high risk: make it under Rules, with allowHighRisk"
                    .to_owned()
            }
            Self::OfferDoesNotCover(pattern) => {
                format!("the offered pattern {:?} is left out: it does not cover this very request", pattern.as_str())
            }
            Self::OfferTooWide(pattern) => {
                format!("the offered pattern {:?} is left out: it is far wider than this request", pattern.as_str())
            }
            Self::PatternNeverMatches(pattern, why) => {
                format!("the pattern {:?} never matches: {why}", pattern.as_str())
            }
        }
    }
}
