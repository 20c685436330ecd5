//! One text for every input that is the same: what digests and comparisons are made over.

use serde_json::{Map, Number, Value};
use sha2::{Digest as _, Sha256};

use super::json::JsonObject;

/// The canonical form of an object: RFC 8785 (JCS), except that integers beyond 2^53 are written in full, so that two
/// different inputs never share one.
#[must_use]
pub fn canonical_object(members: &Map<String, Value>) -> String {
    let mut out = Vec::new();
    write_object(members, &mut out);
    text(out)
}

/// The canonical form of any value.
#[must_use]
pub fn canonical_text(value: &Value) -> String {
    let mut out = Vec::new();
    write_value(value, &mut out);
    text(out)
}

/// What was written here, as text: only whole strings, numbers and ASCII were.
fn text(canonical: Vec<u8>) -> String {
    String::from_utf8(canonical).unwrap_or_default()
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, out);
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(members, out),
    }
}

fn write_object(members: &Map<String, Value>, out: &mut Vec<u8>) {
    // RFC 8785 sorts by UTF-16 code units, which differs from UTF-8's order beyond the basic plane.
    let mut sorted = members.iter().collect::<Vec<_>>();
    sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, out);
        out.push(b':');
        write_value(value, out);
    }
    out.push(b'}');
}

fn write_number(number: &Number, out: &mut Vec<u8>) {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(double) => out.extend(ryu_js::Buffer::new().format(double).bytes()),
        None => out.extend(number.to_string().bytes()),
    }
}

/// serde_json escapes exactly what RFC 8785 asks to be escaped, in the same way.
fn write_string(text: &str, out: &mut Vec<u8>) {
    // Writing into memory does not fail, and neither does a string.
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok());
}

/// What exactly was approved: `sha256:` and the SHA-256, in hexadecimal, of the canonical form of `{toolName, input}`.
#[must_use]
pub fn input_digest(tool_name: &str, input: &JsonObject) -> String {
    let mut form = b"{\"input\":".to_vec();
    write_object(input.tree(), &mut form);
    form.extend(b",\"toolName\":");
    write_string(tool_name, &mut form);
    form.push(b'}');
    format!("sha256:{}", hex::encode(Sha256::digest(form)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(text: &str) -> JsonObject {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_canonical_form_is_that_of_rfc_8785() {
        // Keys from section 3.2.3 of the RFC, numbers from its appendix B.
        let sorted =
            object("{\"\\u20ac\":1,\"\\r\":2,\"\\ufb33\":3,\"1\":4,\"\\ud83d\\ude00\":5,\"\\u0080\":6,\"\\u00f6\":7}");
        assert_eq!(
            sorted.canonical(),
            "{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"\u{f6}\":7,\"\u{20ac}\":1,\"\u{1f600}\":5,\"\u{fb33}\":3}"
        );
        for (number, written) in [
            ("-0.0", "0"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("333333333.33333329", "333333333.3333333"),
            ("1.50", "1.5"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            let members = Map::from_iter([("n".to_owned(), serde_json::from_str::<Value>(number).unwrap())]);
            assert_eq!(canonical_object(&members), format!(r#"{{"n":{written}}}"#));
        }
    }

    #[test]
    fn neighbouring_big_integers_have_different_digests() {
        let digest = |n: u64| input_digest("pay", &object(&format!(r#"{{"cents":{n}}}"#)));
        assert_ne!(digest(9_007_199_254_740_992), digest(9_007_199_254_740_993));
        assert_eq!(digest(5), input_digest("pay", &object(r#"{ "cents" : 5.0 }"#)));
    }

    proptest! {
        #[test]
        fn every_integer_of_64_bits_is_digested_digit_by_digit(a: i64, b: i64) {
            let digest = |n: i64| input_digest("t", &object(&format!(r#"{{"n":{n}}}"#)));
            prop_assert_eq!(a == b, digest(a) == digest(b));
        }
    }
}
