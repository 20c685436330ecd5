//! What the owner of a channel wants to hear of, in a few words.

use crate::domain::channel::Wishes;

/// Which interactions are told of, and when not.
#[must_use]
pub fn wants(wishes: &Wishes) -> String {
    let kinds = match wishes.kinds.as_slice() {
        [] => "everything".to_owned(),
        kinds => kinds.iter().map(|kind| format!("{kind}s")).collect::<Vec<_>>().join(", "),
    };
    let risk = wishes.risk.map(|risk| format!("confirmations of {risk} risk and up"));
    let ends = wishes.resolutions.then(|| "how they end".to_owned());
    let quiet = wishes.quiet.as_ref().map(|quiet| format!("quiet {quiet}"));
    let pace = match wishes.pace_ms {
        0 => "each by itself".to_owned(),
        millis => format!("once in {}", pace(millis)),
    };
    [Some(kinds), risk, ends, quiet, Some(pace)].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// How long a channel is silent after it has spoken, as people write it: `none` for 0.
#[must_use]
pub fn pace(millis: u64) -> String {
    let units = [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    match units.iter().find(|(_, unit)| millis.is_multiple_of(*unit)) {
        Some((name, unit)) if millis > 0 => format!("{}{name}", millis / unit),
        _ => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::channel::ChannelKind;
    use crate::domain::enums::{Kind, RiskLevel};
    use crate::domain::moment;

    #[test]
    fn what_is_said_of_a_pace_can_be_typed_again() {
        for millis in [1, 1_500, 30_000, 60_000, 90_000, 3_600_000, 86_400_000] {
            assert_eq!(moment::millis(&pace(millis)), Ok(millis));
        }
        assert_eq!(pace(0), "none");
    }

    #[test]
    fn everything_that_an_owner_wants_is_said() {
        let usual = Wishes::of(ChannelKind::Ntfy);
        assert_eq!(wants(&usual), "everything; once in 30s");
        let wishes = Wishes {
            risk: Some(RiskLevel::High),
            kinds: vec![Kind::Confirmation],
            quiet: None,
            pace_ms: 0,
            resolutions: true,
        };
        assert_eq!(wants(&wishes), "confirmations; confirmations of high risk and up; how they end; each by itself");
    }
}
