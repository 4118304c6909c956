//! Tokens of another kind, and members of another type.

use crate::case::Cases;
use crate::token::Base;

/// Values of `typ` that do not say "access token".
const OTHER_TYPES: &[&str] = &[
    "null",
    "true",
    "0",
    "[]",
    "{}",
    "[\"at+jwt\"]",
    "\"\"",
    "\" \"",
    "\"JWT\"",
    "\"jwt\"",
    "\"JOSE\"",
    "\"JWE\"",
    "\"at\"",
    "\"at+jws\"",
    "\"at+jwt \"",
    "\" at+jwt\"",
    "\"at jwt\"",
    "\"at+jwt;v=1\"",
    "\"at+jwt\\u0000\"",
    "\"at%2Bjwt\"",
    "\"at-jwt\"",
    "\"at+jwt,JWT\"",
    "\"application/jwt\"",
    "\"application/application/at+jwt\"",
    "\"application/at+jwt;q=1\"",
    "\"text/at+jwt\"",
    "\"id+jwt\"",
    "\"id_token\"",
    "\"rt+jwt\"",
    "\"refresh\"",
    "\"refresh+jwt\"",
    "\"logout+jwt\"",
    "\"dpop+jwt\"",
    "\"secevent+jwt\"",
    "\"token-introspection+jwt\"",
    "\"statuslist+jwt\"",
    "\"vc+sd-jwt\"",
    "\"client-authentication+jwt\"",
    "\"oauth-authz-req+jwt\"",
];

/// Values that are no text.
const NO_TEXTS: &[&str] = &["null", "true", "0", "[]", "[\"u00000001\"]", "{}"];

pub(super) fn add(cases: &mut Cases, base: &Base<'_>) {
    let payload = base.claims.render();
    cases.group("type", "J10", "RFC 9068 §2.1 and §4; RFC 8725 §3.11; ASVS 9.2.2");
    cases.refuse("no typ", base.signed(&base.header.clone().without("typ").render(), &payload));
    cases.refuse(
        "Typ for typ",
        base.signed(&base.header.clone().without("typ").with_text("Typ", "at+jwt").render(), &payload),
    );
    let as_claim = base.claims.clone().with_text("typ", "at+jwt").render();
    cases
        .refuse("typ among the claims", base.signed(&base.header.clone().without("typ").render(), &as_claim));
    for value in OTHER_TYPES {
        cases.refuse(
            format!("typ {value}"),
            base.signed(&base.header.clone().with("typ", *value).render(), &payload),
        );
    }
    for text in ["at+jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "APPLICATION/AT+JWT"] {
        cases.accept(
            format!("typ {text}: media types are compared without case"),
            base.signed(&base.header.clone().with_text("typ", text).render(), &payload),
        );
    }
    cases.group(
        "members",
        "J11",
        "RFC 9068 §2.2: members that an access token must have; RFC 7519 §4.1.2, §4.1.7",
    );
    let header = base.header.render();
    for name in ["sub", "client_id", "jti"] {
        cases.refuse(format!("no {name}"), base.signed(&header, &base.claims.clone().without(name).render()));
        for value in NO_TEXTS {
            let claims = base.claims.clone().with(name, *value).render();
            cases.refuse(format!("{name} {value}"), base.signed(&header, &claims));
        }
    }
    cases.group("members-policy", "J11", "RFC 9068 §2.2.3.1: roles and groups are the service's own");
    cases.policy("`jti` is 16 bytes in base64url; `roles` is a list of texts and `tenant` a text, as the service writes them");
    for value in [
        "\"\"",
        "\"a\"",
        "\"AAECAwQFBgcICQoLDA0O\"",
        "\"AAECAwQFBgcICQoLDA0ODxA\"",
        "\"AAECAwQFBgcICQoLDA0ODx\"",
        "\"00010203-0405-0607-0809-0a0b0c0d0e0f\"",
        "\"../../x\"",
        "\"*\"",
    ] {
        cases.refuse(
            format!("jti {value}"),
            base.signed(&header, &base.claims.clone().with("jti", value).render()),
        );
    }
    for (name, values) in [
        (
            "roles",
            &["null", "\"admin\"", "0", "{}", "[1]", "[null]", "[[\"admin\"]]", "{\"admin\":true}"][..],
        ),
        ("tenant", &["null", "0", "[]", "{}", "true"][..]),
    ] {
        cases.refuse(format!("no {name}"), base.signed(&header, &base.claims.clone().without(name).render()));
        for value in values {
            let claims = base.claims.clone().with(name, *value).render();
            cases.refuse(format!("{name} {value}"), base.signed(&header, &claims));
        }
    }
    cases.group(
        "unknown-members",
        "J11",
        "RFC 7519 §4: claims that are not understood are ignored; RFC 7515 §4: so are headers",
    );
    let more =
        base.claims.clone().with_text("nonce", "x").with("acr", "1").with("x", "{\"y\":[null]}").render();
    cases.accept("claims that nobody knows", base.signed(&header, &more));
    let header = base.header.clone().with_text("x", "y").with_text("cty", "text").render();
    cases.accept("headers that nobody knows", base.signed(&header, &payload));
}
