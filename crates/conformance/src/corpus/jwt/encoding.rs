//! Base64url that is not canonical, in each of the three segments, under a signature that fits.

use crate::case::Cases;
use crate::template::spare_bits;
use crate::token::{self, Base};

/// What is put into a segment, and how it is called.
const INTRUDERS: &[(&str, &str)] = &[
    ("a space", " "),
    ("a tab", "\t"),
    ("`=`", "="),
    ("`==`", "=="),
    ("`+`", "+"),
    ("`/`", "/"),
    ("`?`", "?"),
    ("`!`", "!"),
    ("`%3D`", "%3D"),
    ("`%`", "%"),
    ("`~`", "~"),
    ("`*`", "*"),
    ("a backslash", "\\"),
    ("`é`", "é"),
    ("a zero-width space", "\u{200b}"),
];

/// A token with this text in place of one segment.
type Write<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn add(cases: &mut Cases, base: &Base<'_>) {
    cases.group(
        "encoding",
        "J5",
        "RFC 7515 §2 and RFC 4648 §3.2, §3.3, §3.5: no padding, no other characters, canonical",
    );
    let (input, signature) = base.split();
    let Some((header, payload)) = input.split_once('.') else { return };
    let rewritten: [(&str, &str, Write<'_>); 3] = [
        ("header", header, &|text| base.signed_input(&format!("{text}.{payload}"))),
        ("payload", payload, &|text| base.signed_input(&format!("{header}.{text}"))),
        ("signature", signature, &|text| Some(format!("{input}.{text}"))),
    ];
    for (segment, text, write) in rewritten {
        for (what, intruder) in INTRUDERS {
            let middle = text.len() / 2;
            // Blanks at the end of a header line belong to the line, not to the token (RFC 9110 §5.5).
            if segment != "signature" || !intruder.trim().is_empty() {
                cases.refuse(
                    format!("{what} at the end of the {segment}"),
                    write(&format!("{text}{intruder}")),
                );
            }
            let inside = format!("{}{intruder}{}", &text[..middle], &text[middle..]);
            cases.refuse(format!("{what} inside the {segment}"), write(&inside));
        }
        cases.refuse(format!("one character more in the {segment}"), write(&format!("{text}A")));
        let padding = "=".repeat((4 - text.len() % 4) % 4);
        if !padding.is_empty() {
            cases.refuse(format!("the right padding on the {segment}"), write(&format!("{text}{padding}")));
        }
        if let Some(other) = spare_bits(text) {
            cases.refuse(format!("unused bits set in the {segment}"), write(&other));
        }
    }
    // Spaces in the JSON make the segments as long as it takes for bits to be left over.
    for spaces in 1..3 {
        let blank = " ".repeat(spaces);
        let longer_header = token::encode(format!("{}{blank}", base.header.render()));
        if let Some(other) = spare_bits(&longer_header) {
            cases.refuse(
                format!("{spaces} spaces and unused bits set in the header"),
                base.signed_input(&format!("{other}.{payload}")),
            );
        }
        let longer_payload = token::encode(format!("{}{blank}", base.claims.render()));
        if let Some(other) = spare_bits(&longer_payload) {
            cases.refuse(
                format!("{spaces} spaces and unused bits set in the payload"),
                base.signed_input(&format!("{header}.{other}")),
            );
        }
    }
}
