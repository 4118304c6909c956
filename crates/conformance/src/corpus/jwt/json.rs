//! JSON that readers disagree about: members given twice, texts that are no JSON, depth and size.

use crate::case::Cases;
use crate::token::{self, Base};

/// Longest token that the statement allows, bytes.
const LONGEST: usize = 8 * 1024;

pub(super) fn add(cases: &mut Cases, base: &Base<'_>) {
    twice(cases, base);
    malformed(cases, base);
    deep(cases, base);
    long(cases, base);
}

fn twice(cases: &mut Cases, base: &Base<'_>) {
    cases.group("duplicate", "J12", "RFC 7519 §4 and RFC 8259 §4: names are unique; RFC 8725 §2.4");
    cases.policy("a known member given twice is refused, whichever of them a reader would take");
    let (header, payload) = (base.header.render(), base.claims.render());
    for (name, other) in [
        ("sub", "\"u00000000\""),
        ("iss", "\"https://attacker.example\""),
        ("aud", "\"https://other.example\""),
        ("exp", "9999999999"),
        ("iat", "1"),
        ("jti", "\"EBESExQVFhcYGRobHB0eHw\""),
        ("client_id", "\"other\""),
        ("roles", "[\"admin\"]"),
        ("tenant", "\"tenant-0000\""),
    ] {
        let own = base.claims.get(name).unwrap_or("null").to_owned();
        for (what, claims) in [
            (format!("{name} once more, {other} last"), base.claims.clone().also(name, other)),
            (format!("{name} once more, {other} first"), base.claims.clone().before(name, other)),
            (format!("{name} once more, the same"), base.claims.clone().also(name, own.clone())),
            (format!("{name} once more, its name escaped"), base.claims.clone().also(&escaped(name), other)),
        ] {
            cases.refuse(what, base.signed(&header, &claims.render()));
        }
    }
    for (name, other) in [("alg", "\"none\""), ("typ", "\"JWT\""), ("alg", "\"RS256\"")] {
        for (what, header) in [
            (format!("header {name} once more, {other} last"), base.header.clone().also(name, other)),
            (format!("header {name} once more, {other} first"), base.header.clone().before(name, other)),
            (
                format!("header {name} once more, its name escaped, {other}"),
                base.header.clone().also(&escaped(name), other),
            ),
        ] {
            let header = header.render();
            cases.refuse(what.clone(), base.signed(&header, &payload));
            cases.refuse(format!("{what}, no signature"), format!("{}.", token::input(&header, &payload)));
        }
    }
}

/// The name with its first character as an escape of JSON.
fn escaped(name: &str) -> String {
    let first = name.chars().next().map_or(0, u32::from);
    format!("\\u{first:04x}{}", name.get(1..).unwrap_or_default())
}

fn malformed(cases: &mut Cases, base: &Base<'_>) {
    cases.group("json", "J12", "RFC 8259; RFC 7519 §7.2: the claims are one JSON object in UTF-8");
    let (header, payload) = (base.header.render(), base.claims.render());
    let open = payload.trim_end_matches('}');
    let utf16: Vec<u8> = payload.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let texts: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("a space", b" ".to_vec()),
        ("null", b"null".to_vec()),
        ("true", b"true".to_vec()),
        ("a number", b"1".to_vec()),
        ("a text", format!("{payload:?}").into_bytes()),
        ("a list of the claims", format!("[{payload}]").into_bytes()),
        ("an empty list", b"[]".to_vec()),
        ("an empty object", b"{}".to_vec()),
        ("not closed", open.as_bytes().to_vec()),
        ("closed twice", format!("{payload}}}").into_bytes()),
        ("a comma at the end", format!("{open},}}").into_bytes()),
        ("two commas", payload.replacen(',', ",,", 1).into_bytes()),
        ("a comment", payload.replacen(',', "/* */,", 1).into_bytes()),
        ("a line comment", format!("{payload}//").into_bytes()),
        ("single quotes", payload.replace('"', "'").into_bytes()),
        ("names without quotes", payload.replacen("\"iss\"", "iss", 1).into_bytes()),
        ("an equals sign", payload.replacen(':', "=", 1).into_bytes()),
        ("two objects", format!("{payload}{payload}").into_bytes()),
        ("an object behind it", format!("{payload}{{}}").into_bytes()),
        ("a zero byte behind it", format!("{payload}\0").into_bytes()),
        ("a zero byte inside", payload.replacen(',', "\0,", 1).into_bytes()),
        ("a byte order mark", format!("\u{feff}{payload}").into_bytes()),
        ("UTF-16", utf16),
        ("a byte that is no UTF-8", [open.as_bytes(), b",\"x\":\"\xff\"}"].concat()),
        ("an overlong slash", [open.as_bytes(), b",\"x\":\"\xc0\xaf\"}"].concat()),
        ("a surrogate in UTF-8", [open.as_bytes(), b",\"x\":\"\xed\xa0\x80\"}"].concat()),
        ("a control character in a text", format!("{open},\"x\":\"\u{1}\"}}").into_bytes()),
        ("a line end in a text", format!("{open},\"x\":\"a\nb\"}}").into_bytes()),
        ("an escape that is none", format!("{open},\"x\":\"\\x41\"}}").into_bytes()),
        ("half an escape", format!("{open},\"x\":\"\\u12\"}}").into_bytes()),
        ("half a surrogate pair", format!("{open},\"sub\":\"\\ud800\"}}").into_bytes()),
        ("NaN", format!("{open},\"x\":NaN}}").into_bytes()),
        ("a number with a leading zero", format!("{open},\"x\":01}}").into_bytes()),
        ("a form feed for a space", payload.replacen(',', "\u{c},", 1).into_bytes()),
        ("a no-break space for a space", payload.replacen(',', "\u{a0},", 1).into_bytes()),
    ];
    for (what, text) in &texts {
        let input = format!("{}.{}", token::encode(&header), token::encode(text));
        cases.refuse(format!("the payload: {what}"), base.signed_input(&input));
    }
    let open = header.trim_end_matches('}').to_owned();
    for (what, text) in [
        ("nothing", Vec::new()),
        ("null", b"null".to_vec()),
        ("a list of the header", format!("[{header}]").into_bytes()),
        ("not closed", open.clone().into_bytes()),
        ("a comma at the end", format!("{open},}}").into_bytes()),
        ("single quotes", header.replace('"', "'").into_bytes()),
        ("two objects", format!("{header}{header}").into_bytes()),
        ("a zero byte behind it", format!("{header}\0").into_bytes()),
        ("a byte order mark", format!("\u{feff}{header}").into_bytes()),
        ("a byte that is no UTF-8", [open.as_bytes(), b",\"x\":\"\xff\"}"].concat()),
    ] {
        let input = format!("{}.{}", token::encode(text), token::encode(&payload));
        cases.refuse(format!("the header: {what}"), base.signed_input(&input));
    }
    cases.accept(
        "spaces between the members of the payload",
        base.signed(&header, &payload.replace(',', " , ")),
    );
}

fn deep(cases: &mut Cases, base: &Base<'_>) {
    cases.group("depth", "J12", "RFC 8259 §9: a reader may limit depth; CWE-674");
    cases.policy("nesting deeper than 128 is refused, before the stack is in danger");
    let (header, payload) = (base.header.render(), base.claims.render());
    for depth in [129, 256, 500, 1000, 2000] {
        let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let claims = base.claims.clone().with("x", lists.clone()).render();
        cases.refuse(
            format!("{depth} lists inside each other among the claims"),
            base.signed(&header, &claims),
        );
        let open = base.claims.clone().with("x", "[".repeat(depth)).render();
        cases.refuse(format!("{depth} lists begun among the claims"), base.signed(&header, &open));
        let with_lists = base.header.clone().with("x", lists).render();
        if depth <= 500 {
            cases.refuse(
                format!("{depth} lists inside each other in the header"),
                base.signed(&with_lists, &payload),
            );
        }
    }
    for depth in [129, 400] {
        let objects = format!("{}1{}", "{\"x\":".repeat(depth), "}".repeat(depth));
        let claims = base.claims.clone().with("x", objects).render();
        cases.refuse(
            format!("{depth} objects inside each other among the claims"),
            base.signed(&header, &claims),
        );
    }
    let claims = base.claims.clone().with("x", "[[[[[[[[[[]]]]]]]]]]").render();
    cases.accept("ten lists inside each other", base.signed(&header, &claims));
}

fn long(cases: &mut Cases, base: &Base<'_>) {
    cases.group("size", "J12", "RFC 8725 §3.14 of its revision; CWE-400");
    cases.policy("a token longer than 8 KiB is refused unread");
    let header = base.header.render();
    for kib in [9, 12, 16, 20] {
        let filler = format!("\"{}\"", "x".repeat(kib * 1024 * 3 / 4));
        cases.refuse(
            format!("about {kib} KiB, one long text"),
            base.signed(&header, &base.claims.clone().with("x", filler.clone()).render()),
        );
        cases.refuse(
            format!("about {kib} KiB, a long header"),
            base.signed(&base.header.clone().with("x", filler).render(), &base.claims.render()),
        );
    }
    let many = (0..1200).fold(base.claims.clone(), |claims, at| claims.also(&format!("x{at}"), "0"));
    cases.refuse("1200 more members", base.signed(&header, &many.render()));
    cases.refuse("8193 characters of nothing", "A".repeat(LONGEST + 1));
    cases.refuse("8192 dots", ".".repeat(LONGEST));
    cases.refuse("20000 characters of nothing", "A".repeat(20_000));
    let fitting = LONGEST.saturating_sub(base.valid.len()) * 3 / 4 - 64;
    let claims = base.claims.clone().with("x", format!("\"{}\"", "x".repeat(fitting))).render();
    cases.accept("a little below 8 KiB", base.signed(&header, &claims));
}
