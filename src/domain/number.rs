//! Numbers that come back as they went: told from those that reading would change.

/// How the message of the error begins when a number cannot be kept: the one refusal that is not about the form.
pub const NUMBER_OUT_OF_RANGE: &str = "this number cannot be kept exactly";

/// Checks every number in a text that is JSON already: integers must fit 64 bits, others must come back from a double as
/// the same decimal number.
pub(super) fn check_numbers(json: &str) -> Result<(), String> {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let more =
                    bytes[at..].iter().position(|b| !matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
                let end = more.map_or(bytes.len(), |length| at + length);
                let number = &json[at..end];
                if !survives(number) {
                    let shown = number.chars().take(40).collect::<String>();
                    return Err(format!("{NUMBER_OUT_OF_RANGE}: {shown}"));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// The index after the string that begins at `start`.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether `number` is an integer of 64 bits, or the same decimal number after a round trip as a double.
fn survives(number: &str) -> bool {
    if number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok() {
        return true;
    }
    number.parse::<f64>().is_ok_and(|double| double.is_finite() && decimal(number) == decimal(&format!("{double:e}")))
}

/// A number as its sign, its significant digits and the power of ten of the last of them: equal when the numbers are.
fn decimal(number: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((false, String::new(), 0));
    }
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let power = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()? + i64::try_from(trailing).ok()?;
    Some((mantissa.starts_with('-'), significant.to_owned(), power))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_double_that_is_written_shortest_survives(double in proptest::num::f64::NORMAL) {
            for written in [format!("{:e}", double), format!("{}", double)] {
                prop_assert!(survives(&written), "{}", written);
            }
        }
    }
}
