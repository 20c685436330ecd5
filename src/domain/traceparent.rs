//! The W3C's trace context: which distributed trace, and which step of it, an interaction was registered from.

/// The bytes of version 00: `00-`, 32 digits of the trace, `-`, 16 of the step, `-`, 2 of flags.
const BYTES: usize = 55;

super::id::checked_string! {
    /// A `traceparent` of version 00, lower-case as the W3C wants it.
    Traceparent, check, "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$", BYTES
}

impl Traceparent {
    /// The trace, in 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.as_str()[3..35]
    }
}

fn check(text: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = [2, 32, 16, 2];
    let hexadecimal = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let well_formed = text.len() == BYTES
        && parts.iter().map(|part| part.len()).eq(lengths)
        && parts.iter().all(|part| hexadecimal(part))
        && parts[0] == "00";
    // All zeros stand for no trace and no step at all.
    let names_something = |part: &str| part.bytes().any(|byte| byte != b'0');
    if well_formed && names_something(parts[1]) && names_something(parts[2]) {
        Ok(())
    } else {
        Err("a traceparent is 00-<32 hexadecimal digits>-<16>-<2>, in lower case")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_w3c_calls_well_formed_is_a_traceparent() {
        let good: Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
        assert_eq!(good.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        for bad in [
            "",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        ] {
            assert!(bad.parse::<Traceparent>().is_err(), "{bad:?} was taken");
        }
    }
}
