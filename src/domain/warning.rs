//! What a caller should know of a request that was carried out all the same.

super::enums::string_enum! {
    /// Something to mind.
    Warning {
        /// No person has a token with which the interaction could be answered.
        NobodyCanAnswer = "nobody_can_answer",
        /// A rule was made from a request of high risk, and does not cover high risk.
        HighRiskNotCovered = "high_risk_not_covered",
        /// An approval was taken back, and a rule that was made with it goes on.
        RuleStillActive = "rule_still_active",
    }
}

impl Warning {
    /// A sentence for a person.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::NobodyCanAnswer => {
                "no approver can answer this: create a token with `countersign token create --role approver`"
            }
            Self::RuleStillActive => {
                "the rule that was made with this approval goes on deciding: revoke it, too, if it is not meant to"
            }
            Self::HighRiskNotCovered => {
                "this request is of high risk, and the rule covers no high risk: make it under Rules, with allowHighRisk"
            }
        }
    }
}
