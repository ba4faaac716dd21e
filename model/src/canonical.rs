//! Canonical JSON (RFC 8785, "JCS"): one spelling of one value, so that two parties hash and sign the same bytes.

use serde_json::{Number, Value};

/// The canonical text of `value`: no spaces, members in the order of their names' UTF-16 code units, numbers as ECMAScript
/// prints them. Numbers are doubles (RFC 8785 §3.2.2.3): an integer beyond 2^53 is written as the double nearest to it.
/// The value must not be nested deeper than [`crate::json::Limits`] allows, since this goes down by recursion.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, &mut text);
    text
}

fn write_value(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => text.push_str(&canonical_number(number)),
        Value::String(string) => write_text(string, text),
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_value(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            // By UTF-16 (RFC 8785 §3.2.3): U+10000 and above, written with surrogates, come before U+E000 to U+FFFF.
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (place, (name, member)) in sorted.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write_text(name, text);
                text.push(':');
                write_value(member, text);
            }
            text.push('}');
        }
    }
}

/// RFC 8785 §3.2.2.2: the short escapes where JSON has one, `\u00xx` for other controls, all else as it is.
fn write_text(string: &str, text: &mut String) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\0'..='\u{1f}' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => text.push(c),
        }
    }
    text.push('"');
}

/// A number as ECMAScript prints it (RFC 8785 §3.2.2.3).
pub fn canonical_number(number: &Number) -> String {
    // What JSON can say is always a finite double: the reader refuses numbers out of range.
    number.as_f64().map_or_else(|| number.to_string(), ecmascript)
}

/// `Number::toString` of ECMA-262 for a finite double: the shortest digits that read back, the even ones of two as near.
fn ecmascript(value: f64) -> String {
    ryu_js::Buffer::new().format_finite(value).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::json::{Limits, parse};

    /// RFC 8785, appendix B: the bits of a double and its text.
    const NUMBERS: &[(u64, &str)] = &[
        (0x0000_0000_0000_0000, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ];

    #[test]
    fn numbers_of_the_rfc() {
        for (bits, text) in NUMBERS {
            assert_eq!(ecmascript(f64::from_bits(*bits)), *text, "{bits:016x}");
        }
    }

    /// RFC 8785 §3.2.2: one object with all kinds of values.
    #[test]
    fn the_sample_of_the_rfc() {
        let text = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let value = parse(text.as_bytes(), &Limits::default()).unwrap();
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(&value), expected);
    }

    /// RFC 8785 §3.2.3: the order of names that tells UTF-16 from UTF-8.
    #[test]
    fn names_are_ordered_by_utf16() {
        let value = json!({
            "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
        });
        let text = canonical(&value);
        let places: Vec<usize> = ["Carriage Return", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .map(|w| text.find(w).unwrap())
            .to_vec();
        assert!(places.is_sorted(), "{text}");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_and_writing_again_changes_nothing(value in values()) {
            let text = canonical(&value);
            let again = parse(text.as_bytes(), &Limits::default()).unwrap();
            prop_assert_eq!(canonical(&again), text);
        }

        #[test]
        fn a_number_reads_back_to_the_same_double(value in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let text = ecmascript(value);
            let again: f64 = text.parse().unwrap();
            prop_assert!(again == value, "{} {}", text, value);
            // The layout of ECMAScript: an exponent outside 1e-7 < |x| < 1e21 only, never a bare point.
            let size = value.abs();
            prop_assert_eq!(text.contains('e'), size != 0.0 && !(1e-6..1e21).contains(&size));
            prop_assert!(!text.ends_with('.') && !text.contains(".e"));
        }

        #[test]
        fn texts_are_what_json_reads(text in any::<String>()) {
            let written = canonical(&Value::String(text.clone()));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
