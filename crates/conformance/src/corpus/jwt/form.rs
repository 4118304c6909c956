//! The outer form: number of parts, other serialisations, critical headers.

use crate::case::Cases;
use crate::token::{self, Base};

/// JSON values of `crit`; none of the names in them is understood.
const CRITICAL: &[&str] = &[
    "[\"exp\"]",
    "[\"b64\"]",
    "[\"unknown\"]",
    "[\"alg\"]",
    "[\"typ\"]",
    "[\"crit\"]",
    "[\"\"]",
    "[\"http://example.com/UNDEFINED\"]",
    "[]",
    "{}",
    "null",
    "true",
    "\"exp\"",
    "0",
    "[1]",
    "[null]",
    "[\"exp\",\"exp\"]",
    "[[\"exp\"]]",
];

pub(super) fn add(cases: &mut Cases, base: &Base<'_>) {
    parts(cases, base);
    critical(cases, base);
}

fn parts(cases: &mut Cases, base: &Base<'_>) {
    cases.group("form", "J4", "RFC 7515 §3.1 and §7.1; RFC 7519 §7.2; RFC 6750 §2.1");
    let valid = &base.valid;
    let (input, signature) = base.split();
    let (header, payload) = input.split_once('.').unwrap_or((input, ""));
    for (what, token) in [
        ("nothing", String::new()),
        ("one dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("four dots", "....".to_owned()),
        ("the header alone", header.to_owned()),
        ("the header and a dot", format!("{header}.")),
        ("header and payload", input.to_owned()),
        ("no header", format!(".{payload}.{signature}")),
        ("no payload", format!("{header}..{signature}")),
        ("a dot in front", format!(".{valid}")),
        ("a dot at the end", format!("{valid}.")),
        ("two dots at the end", format!("{valid}..")),
        ("a fourth part", format!("{valid}.{signature}")),
        ("a fourth part of one character", format!("{valid}.A")),
        ("five parts, as an encrypted token has", format!("{valid}.AA.AA")),
        ("five parts with an empty second", format!("{header}..{payload}.{signature}.AA")),
        ("a double dot", format!("{header}..{payload}.{signature}")),
        ("parts in another order", format!("{payload}.{header}.{signature}")),
        ("the token twice", format!("{valid}{valid}")),
        ("the token twice, a dot between", format!("{valid}.{valid}")),
        ("the token twice, a comma between", format!("{valid},{valid}")),
        ("the token twice, a space between", format!("{valid} {valid}")),
        ("commas for dots", valid.replace('.', ",")),
        ("%2E for dots", valid.replace('.', "%2E")),
        ("in quotes", format!("\"{valid}\"")),
        ("in single quotes", format!("'{valid}'")),
        ("in angle brackets", format!("<{valid}>")),
        ("with `token=` in front", format!("token={valid}")),
        ("with its scheme twice", format!("Bearer {valid}")),
        ("as an authorization parameter", format!("{valid}, realm=\"x\"")),
        ("encoded once more", token::encode(valid)),
        ("a comment behind it", format!("{valid};comment")),
        ("a fragment behind it", format!("{valid}#")),
        ("nested: the token as the payload of another", {
            let nested = token::input(&base.header.clone().with_text("cty", "JWT").render(), valid);
            base.signed_input(&nested).unwrap_or_else(|| format!("{nested}."))
        }),
        ("the flattened JSON serialisation", {
            format!(r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#)
        }),
        ("the general JSON serialisation", {
            format!(
                r#"{{"payload":"{payload}","signatures":[{{"protected":"{header}","signature":"{signature}"}}]}}"#
            )
        }),
        ("the flattened JSON serialisation, encoded", {
            token::encode(format!(
                r#"{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#
            ))
        }),
        ("JSON with the token between its parts", {
            format!(
                r#"{{"{header}.{payload}.":"","protected":"{header}","payload":"{payload}","signature":"{signature}"}}"#
            )
        }),
        (
            "an unsecured token with the parts of the valid one behind",
            format!("eyJhbGciOiJub25lIn0.{payload}..{valid}"),
        ),
    ] {
        cases.refuse(what, token);
    }
}

fn critical(cases: &mut Cases, base: &Base<'_>) {
    cases.group("critical", "J4", "RFC 7515 §4.1.11: refuse what must be understood and is not");
    let payload = base.claims.render();
    for value in CRITICAL {
        let name = value
            .split('"')
            .nth(1)
            .filter(|name| !name.is_empty() && *name != "alg" && *name != "typ" && *name != "crit");
        let header = base.header.clone().with("crit", *value);
        cases.refuse(format!("crit {value}"), base.signed(&header.render(), &payload));
        if let Some(name) = name {
            cases.refuse(
                format!("crit {value}, and the member is there"),
                base.signed(&header.with(name, "9999999999").render(), &payload),
            );
        }
    }
    cases.group(
        "unencoded",
        "J4",
        "RFC 7797 §3 and §6: an unencoded payload needs `crit`, and is not understood here",
    );
    for (what, header) in [
        ("b64 false", base.header.clone().with("b64", "false")),
        ("b64 false, named in crit", base.header.clone().with("b64", "false").with("crit", "[\"b64\"]")),
        ("b64 true, named in crit", base.header.clone().with("b64", "true").with("crit", "[\"b64\"]")),
    ] {
        let header = header.render();
        cases.refuse(what, base.signed(&header, &payload));
        let raw = format!("{}.{payload}", token::encode(&header));
        cases.refuse(format!("{what}, the payload as it is"), base.signed_input(&raw));
    }
}
