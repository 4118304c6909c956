//! Times, issuer, audience and the members that an access token must have.

use crate::case::Cases;
use crate::object::quoted;
use crate::token::Base;

/// JSON values that are no NumericDate (RFC 7519 §2).
const NO_DATES: &[&str] = &[
    "null",
    "true",
    "false",
    "\"\"",
    "\"9999999999\"",
    "\"1700000000\"",
    "\"0\"",
    "\"tomorrow\"",
    "\"2286-11-20T17:46:39Z\"",
    "\"9999999999 \"",
    "\"1e10\"",
    "\"Infinity\"",
    "[]",
    "[9999999999]",
    "[1700000000]",
    "{}",
    "{\"$gt\":0}",
    "{\"$date\":9999999999999}",
    "-1",
    "-1700000000",
    "-9999999999",
    "-9223372036854775808",
    "-9223372036854775809",
];
/// Numbers that no reader keeps exact, or that overflow.
const HUGE: &[&str] = &[
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999",
    "1e308",
    "1e309",
    "1e400",
    "1E+400",
    "-1e400",
];
/// Numbers with a fraction or an exponent.
const FLOATS: &[&str] =
    &["9999999999.5", "9999999999.0", "9.999999999e9", "1e10", "1E10", "0.1e11", "1700000000.999"];
/// What is no JSON number at all.
const NO_JSON: &[&str] = &[
    "NaN",
    "Infinity",
    "-Infinity",
    "0x2540BE3FF",
    "09999999999",
    "+9999999999",
    "9999999999.",
    ".9",
    "9_999",
    "--1",
    "undefined",
];

const TIMES: [&str; 3] = ["exp", "nbf", "iat"];

pub(super) fn add(cases: &mut Cases, base: &Base<'_>) {
    dates(cases, base);
    expiry(cases, base);
    issuer(cases, base);
    audience(cases, base);
}

fn dates(cases: &mut Cases, base: &Base<'_>) {
    let header = base.header.render();
    cases.group("date-type", "J7", "RFC 7519 §2 and §4.1.4–4.1.6; CVE-2026-25537");
    for name in TIMES {
        for value in NO_DATES {
            let claims = base.claims.clone().with(name, *value).render();
            cases.refuse(format!("{name} {value}"), base.signed(&header, &claims));
        }
    }
    cases.group("date-size", "J7", "RFC 8259 §6: beyond 2^53 numbers are not interoperable");
    cases.policy("a number above 2^53 is no date");
    for name in TIMES {
        for value in HUGE {
            let claims = base.claims.clone().with(name, *value).render();
            cases.refuse(format!("{name} {value}"), base.signed(&header, &claims));
        }
    }
    cases.group("date-float", "J7", "RFC 7519 §2 allows fractions of a second");
    cases.policy("dates are whole seconds, written without fraction or exponent");
    for name in TIMES {
        for value in FLOATS {
            let claims = base.claims.clone().with(name, *value).render();
            cases.refuse(format!("{name} {value}"), base.signed(&header, &claims));
        }
    }
    cases.group("date-syntax", "J7", "RFC 8259 §6: not a JSON number");
    for name in TIMES {
        for value in NO_JSON {
            let claims = base.claims.clone().with(name, *value).render();
            cases.refuse(format!("{name} {value}"), base.signed(&header, &claims));
        }
    }
}

fn expiry(cases: &mut Cases, base: &Base<'_>) {
    let header = base.header.render();
    cases.group("expiry", "J8", "RFC 7519 §4.1.4–4.1.6; RFC 9068 §2.2; RFC 8725 §3.9");
    let exp = base.claims.get("exp").unwrap_or("9999999999").to_owned();
    for (what, claims) in [
        ("no exp", base.claims.clone().without("exp")),
        ("no iat", base.claims.clone().without("iat")),
        ("exp 0", base.claims.clone().with("exp", "0").with("iat", "0")),
        ("exp 1", base.claims.clone().with("exp", "1").with("iat", "1")),
        ("expired in 2020", base.claims.clone().with("exp", "1600000000").with("iat", "1500000000")),
        ("exp before iat", base.claims.clone().with("exp", "1600000000")),
        ("exp in milliseconds of 1970", base.claims.clone().with("exp", "1700000").with("iat", "1600000")),
        ("nbf in the far future", base.claims.clone().with("nbf", "9999999998")),
        ("nbf as late as exp", base.claims.clone().with("nbf", exp.clone())),
        ("iat in the far future", base.claims.clone().with("iat", "9999999998").with("exp", "9999999999")),
        (
            "iat in milliseconds",
            base.claims.clone().with("iat", "1700000000000").with("exp", "1800000000000"),
        ),
        ("Exp for exp", base.claims.clone().without("exp").with("Exp", exp.clone())),
        ("EXP for exp", base.claims.clone().without("exp").with("EXP", exp.clone())),
        ("expires_at for exp", base.claims.clone().without("exp").with("expires_at", exp.clone())),
        ("` exp` for exp", base.claims.clone().without("exp").with(" exp", exp.clone())),
        (
            "exp inside another member",
            base.claims.clone().without("exp").with("x", format!("{{\"exp\":{exp}}}")),
        ),
    ] {
        cases.refuse(what, base.signed(&header, &claims.render()));
    }
    let later = base.claims.clone().with("nbf", "1").render();
    cases.accept("nbf long ago", base.signed(&header, &later));
}

fn issuer(cases: &mut Cases, base: &Base<'_>) {
    let header = base.header.render();
    cases.group("issuer", "J9", "RFC 7519 §4.1.1; RFC 8725 §3.8; RFC 9068 §4: the issuer exactly");
    let issuer = base.claims.get("iss").unwrap_or_default().trim_matches('"').to_owned();
    cases.refuse("no iss", base.signed(&header, &base.claims.clone().without("iss").render()));
    for value in altered(&issuer) {
        cases.refuse(
            format!("iss {value}"),
            base.signed(&header, &base.claims.clone().with("iss", value).render()),
        );
    }
    for value in [
        format!("[{}]", quoted(&issuer)),
        format!("[{},\"https://attacker.example\"]", quoted(&issuer)),
        format!("{{\"iss\":{}}}", quoted(&issuer)),
    ] {
        cases.refuse(
            format!("iss {value}"),
            base.signed(&header, &base.claims.clone().with("iss", value).render()),
        );
    }
}

fn audience(cases: &mut Cases, base: &Base<'_>) {
    let header = base.header.render();
    cases.group(
        "audience",
        "J9",
        "RFC 7519 §4.1.3; RFC 8725 §3.9; RFC 9068 §4: this service is in the audience",
    );
    let audience: serde_json::Value =
        serde_json::from_str(base.claims.get("aud").unwrap_or("null")).unwrap_or_default();
    let audience = audience.as_str().or_else(|| audience[0].as_str()).unwrap_or_default().to_owned();
    let own = quoted(&audience);
    cases.refuse("no aud", base.signed(&header, &base.claims.clone().without("aud").render()));
    let lists = [
        "[]".to_owned(),
        "[\"\"]".to_owned(),
        "[null]".to_owned(),
        "[\"https://attacker.example\"]".to_owned(),
        "[\"a\",\"b\",\"c\"]".to_owned(),
    ];
    let nested = [
        format!("[[{own}]]"),
        format!("{{\"aud\":{own}}}"),
        format!("{{{own}:true}}"),
        format!("[{{\"aud\":{own}}}]"),
    ];
    for value in altered(&audience).into_iter().chain(lists).chain(nested) {
        cases.refuse(
            format!("aud {value}"),
            base.signed(&header, &base.claims.clone().with("aud", value).render()),
        );
    }
    for value in [
        own.clone(),
        format!("[{own}]"),
        format!("[\"https://other.example\",{own}]"),
        format!("[{own},\"https://other.example\"]"),
    ] {
        cases.accept(
            format!("aud {value}"),
            base.signed(&header, &base.claims.clone().with("aud", value).render()),
        );
    }
}

/// Values that a sloppy comparison takes for this name, and values of other types.
fn altered(name: &str) -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "0",
        "1",
        "{}",
        "\"\"",
        "\" \"",
        "\"null\"",
        "\"*\"",
        "\"https://*\"",
        "\".*\"",
        "\"%\"",
    ]
    .map(str::to_owned)
    .to_vec();
    let half = &name[..name.len() / 2];
    for text in [
        "https://attacker.example".to_owned(),
        half.to_owned(),
        format!("{name}/"),
        format!("{name}.attacker.example"),
        format!("{name}:443"),
        format!("{name}?"),
        format!("{name}#"),
        format!("{name} "),
        format!(" {name}"),
        format!("{name}\n"),
        format!("{name}\0"),
        format!("{name},https://attacker.example"),
        format!("https://attacker.example/{name}"),
        name.replacen("https", "http", 1),
        name.replacen("https", "HTTPS", 1),
        name.to_uppercase(),
        name.replacen("//", "//user@", 1),
        name.replacen('e', "е", 1),
        name.replacen("example", "EXAMPLE", 1),
    ] {
        if text != name {
            values.push(quoted(&text));
        }
    }
    values
}
