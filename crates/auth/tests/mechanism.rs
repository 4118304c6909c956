//! `[mechanism]` tables: what is shipped is read, what cannot work is refused with key, place and a next step.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod harness;

use auth::mechanism::{CheckKind, CredentialChoice, LogoutAll, RenewalChoice, View};
use auth::{Algorithm, Mechanism, MechanismError};
use proptest::prelude::*;

const JWT: &str = "[mechanism.credential]\nkind = \"jwt\"\nlifetime = \"8h\"\n";
const OPAQUE: &str = "[mechanism.credential]\nkind = \"opaque\"\nlifetime = \"8h\"\n";
const BARE: &str = "[mechanism.credential]\nkind = \"bare-subject\"\n";
const LIVE: &str = "[[mechanism.checks]]\nkind = \"live-list\"\nview = \"store\"\n";
const DENY: &str = "[[mechanism.checks]]\nkind = \"deny-list\"\nview = \"store\"\n";
const EPOCH: &str = "[[mechanism.checks]]\nkind = \"epoch\"\nview = \"store\"\n";
const INDEX: &str = "[mechanism]\nindex = true\n";
const REFRESH: &str = "[mechanism.renewal]\nkind = \"refresh\"\nlifetime = \"30d\"\n";
const SLIDING: &str = "[mechanism.renewal]\nkind = \"sliding\"\ninactivity = \"30m\"\n";

fn refused(text: &str) -> MechanismError {
    let error = Mechanism::parse(text).expect_err(text);
    assert!(!error.message.is_empty() && error.message.chars().next().unwrap().is_lowercase(), "{error:?}");
    error
}

#[test]
fn the_shipped_files_are_the_designs_they_are_named_after() {
    let parse = |name: &str| Mechanism::parse(&harness::file(name)).unwrap();
    let none = parse("none");
    assert!(
        none.checks.is_empty()
            && none.credential == CredentialChoice::BareSubject
            && !none.uses_shared_store()
    );
    assert!(!parse("session-memory").uses_shared_store() && parse("session-redis").uses_shared_store());
    let (session, allowlist) = (parse("session-redis"), parse("jwt-allowlist"));
    assert_eq!(
        (session.checks, session.index, session.renewal),
        (allowlist.checks, allowlist.index, allowlist.renewal)
    );
    assert!(
        matches!(session.credential, CredentialChoice::Opaque { .. }),
        "they differ in the credential alone"
    );
    assert_eq!(parse("jwt-denylist").logout_all(), LogoutAll::Epoch);
    assert_eq!(parse("jwt-denylist-index").logout_all(), LogoutAll::Index);
    assert_eq!(parse("jwt-stateless").logout_all(), LogoutAll::Cannot);
    let refresh = parse("jwt-refresh");
    assert!(refresh.checks.is_empty() && matches!(refresh.renewal, RenewalChoice::Refresh(_)));
    assert!(refresh.uses_shared_store());
}

#[test]
fn settings_are_read() {
    let text = format!(
        "{JWT}algorithm = \"ES256\"\nleeway = \"60s\"\nissuer = \"i\"\naudience = \"a\"\n{DENY}{EPOCH}"
    );
    let mechanism = Mechanism::parse(&text).unwrap();
    let CredentialChoice::Jwt(jwt) = &mechanism.credential else { panic!() };
    assert_eq!((jwt.algorithm, jwt.lifetime_s, jwt.leeway_s), (Algorithm::Es256, 28_800, 60));
    assert_eq!((&*jwt.issuer, &*jwt.audience), ("i", "a"));
    let kinds: Vec<_> = mechanism.checks.iter().map(|check| check.kind).collect();
    assert_eq!(kinds, [CheckKind::DenyList, CheckKind::Epoch]);
    for (text, ms) in
        [("1500ms", 1500), ("90s", 90_000), ("15m", 900_000), ("8h", 28_800_000), ("1d", 86_400_000)]
    {
        let parsed = Mechanism::parse(&format!("{}{LIVE}", OPAQUE.replace("8h", text))).unwrap();
        assert_eq!(parsed.credential, CredentialChoice::Opaque { lifetime_ms: ms });
    }
}

#[test]
fn impossible_combinations_are_refused_where_they_stand() {
    for (text, key, at) in [
        (format!("{OPAQUE}{LIVE}{DENY}"), "mechanism.checks.kind", "\"deny-list\""),
        (format!("{OPAQUE}{LIVE}{EPOCH}"), "mechanism.checks.kind", "\"epoch\""),
        (OPAQUE.into(), "mechanism.checks", "\"opaque\""),
        (format!("{OPAQUE}{LIVE}{REFRESH}"), "mechanism.renewal.kind", "\"refresh\""),
        (format!("{OPAQUE}leeway = \"1s\"\n{LIVE}"), "mechanism.credential.leeway", "\"1s\""),
        (format!("{BARE}{LIVE}"), "mechanism.checks.kind", "\"live-list\""),
        (format!("{BARE}lifetime = \"8h\"\n"), "mechanism.credential.lifetime", "\"8h\""),
        (format!("{JWT}{LIVE}{DENY}"), "mechanism.checks.kind", "\"deny-list\""),
        (format!("{JWT}{DENY}{DENY}"), "mechanism.checks.kind", "\"deny-list\""),
        (format!("{JWT}{DENY}{}", EPOCH.replace("store", "local")), "mechanism.checks.view", "\"epoch\""),
        (format!("{INDEX}{JWT}"), "mechanism.index", "true"),
        (format!("{INDEX}{JWT}{DENY}{EPOCH}"), "mechanism.index", "true"),
        (format!("{JWT}{LIVE}{REFRESH}"), "mechanism.renewal.kind", "\"refresh\""),
        (format!("{JWT}{}", REFRESH.replace("30d", "8h")), "mechanism.renewal.lifetime", "\"refresh\""),
        (format!("{JWT}leeway = \"61s\"\n"), "mechanism.credential.leeway", "\"61s\""),
        (format!("{JWT}leeway = \"1500ms\"\n"), "mechanism.credential.leeway", "\"1500ms\""),
        (format!("{JWT}algorithm = \"none\"\n"), "mechanism.credential.algorithm", "\"none\""),
        (format!("{JWT}algorithm = \"hs256\"\n"), "mechanism.credential.algorithm", "\"hs256\""),
        (format!("{JWT}key = \"c2hvcnQ\"\n"), "mechanism.credential.key", "\"c2hvcnQ\""),
        (format!("{JWT}key = \"??\"\n"), "mechanism.credential.key", "\"??\""),
        (
            format!("{JWT}algorithm = \"RS256\"\nkey = \"c2hvcnQ\"\n"),
            "mechanism.credential.key",
            "\"c2hvcnQ\"",
        ),
        (format!("{JWT}issuer = \"\"\n"), "mechanism.credential.issuer", "\"\""),
        (JWT.replace("8h", "8 hours"), "mechanism.credential.lifetime", "\"8 hours\""),
        (
            JWT.replace("8h", "99999999999999999999s"),
            "mechanism.credential.lifetime",
            "\"99999999999999999999s\"",
        ),
        (JWT.replace("8h", "0s"), "mechanism.credential.lifetime", "\"0s\""),
        (JWT.replace("8h", "9999d"), "mechanism.credential.lifetime", "\"9999d\""),
        (JWT.replace("8h", "1500ms"), "mechanism.credential.lifetime", "\"1500ms\""),
        (JWT.replace("jwt", "jot"), "mechanism.credential.kind", "\"jot\""),
        (format!("{JWT}{}", DENY.replace("store", "cloud")), "mechanism.checks.view", "\"cloud\""),
        (
            format!("{JWT}{}", DENY.replace("deny-list", "maybe-list")),
            "mechanism.checks.kind",
            "\"maybe-list\"",
        ),
        (
            format!("{JWT}[mechanism.renewal]\nkind = \"none\"\ngrace = \"1s\"\n"),
            "mechanism.renewal.grace",
            "\"1s\"",
        ),
        (format!("{JWT}[mechanism.renewal]\nkind = \"magic\"\n"), "mechanism.renewal.kind", "\"magic\""),
        (format!("{JWT}{REFRESH}retry = \"answer\"\n"), "mechanism.renewal.retry", "\"answer\""),
        (format!("{JWT}{REFRESH}retry = \"perhaps\"\n"), "mechanism.renewal.retry", "\"perhaps\""),
        (format!("{JWT}{REFRESH}reuse = \"ignore\"\n"), "mechanism.renewal.reuse", "\"ignore\""),
        (format!("{JWT}{REFRESH}rotate = false\ngrace = \"1s\"\n"), "mechanism.renewal.grace", "\"1s\""),
        (
            format!("{OPAQUE}{LIVE}{SLIDING}").replace("30m", "8h"),
            "mechanism.renewal.inactivity",
            "\"sliding\"",
        ),
        (format!("{JWT}{SLIDING}"), "mechanism.renewal.kind", "\"sliding\""),
        (format!("{OPAQUE}{LIVE}{SLIDING}grace = \"1s\"\n"), "mechanism.renewal.grace", "\"1s\""),
        (
            format!("{JWT}{EPOCH}{}", LIVE.replace("live-list", "user-row")),
            "mechanism.checks.kind",
            "\"user-row\"",
        ),
        (
            format!("{OPAQUE}{}{LIVE}", LIVE.replace("live-list", "user-row")),
            "mechanism.checks",
            "\"opaque\"",
        ),
        (
            format!("{OPAQUE}{LIVE}{}", LIVE.replace("checks", "write_checks")),
            "mechanism.write_checks",
            "\"live-list\"",
        ),
        (
            format!("{JWT}{LIVE}{}", LIVE.replace("checks", "write_checks")),
            "mechanism.write_checks",
            "\"live-list\"",
        ),
        (
            format!("{JWT}{LIVE}{}", EPOCH.replace("checks", "write_checks")),
            "mechanism.write_checks",
            "\"epoch\"",
        ),
        (format!("[mechanism]\nstore = \"sqlite\"\n{JWT}"), "mechanism.store", "\"sqlite\""),
        (format!("[mechanism]\nstore = \"oracle\"\n{JWT}{LIVE}"), "mechanism.store", "\"oracle\""),
        (
            format!(
                "[mechanism]\nstore = \"postgres\"\n{JWT}{}interval = \"1s\"\ntolerance = \"1s\"\n",
                DENY.replace("store", "polled")
            ),
            "mechanism.store",
            "\"postgres\"",
        ),
    ] {
        let error = refused(&text);
        assert_eq!(error.key, key, "{text}\n{error:?}");
        assert_eq!(&text[error.span.clone().expect(key)], at, "{text}\n{error:?}");
        assert!(error.hint.is_some(), "{error:?}");
    }
}

#[test]
fn views_are_read_with_what_belongs_to_them() {
    let check =
        |kind: &str, view: &str| format!("{JWT}[[mechanism.checks]]\nkind = \"{kind}\"\nview = {view}\n");
    for (view, expected, lag_ms) in [
        ("\"cached\"\nttl = \"250ms\"", View::Cached { ttl_ms: 250, entries: 100_000 }, 250),
        ("\"cached\"\nttl = \"2s\"\nentries = 64", View::Cached { ttl_ms: 2000, entries: 64 }, 2000),
        (
            "\"polled\"\ninterval = \"1s\"\ntolerance = \"500ms\"",
            View::Polled { interval_ms: 1000, tolerance_ms: 500 },
            1500,
        ),
        (
            "\"pushed\"\nheartbeat = \"3s\"\ntolerance = \"1s\"",
            View::Pushed { heartbeat_ms: 3000, tolerance_ms: 1000 },
            4000,
        ),
        (
            "\"filter\"\ninterval = \"1s\"\ntolerance = \"1s\"\nconfirm = true",
            View::Filter { interval_ms: 1000, tolerance_ms: 1000, confirm: true, one_in: 1000 },
            2000,
        ),
    ] {
        let mechanism = Mechanism::parse(&check("deny-list", view)).unwrap();
        assert_eq!((mechanism.checks[0].view, mechanism.lag_ms()), (expected, lag_ms));
        assert!(mechanism.uses_shared_store() && View::NAMES.contains(&expected.name()));
    }
    let polled = "\"polled\"\ninterval = \"1s\"\ntolerance = \"1s\"";
    let filter = "\"filter\"\ninterval = \"1s\"\ntolerance = \"1s\"\nconfirm = false";
    for (text, key, at) in [
        (check("deny-list", "\"cached\""), "ttl", "\"cached\""),
        (check("deny-list", "\"cached\"\nttl = \"0s\""), "ttl", "\"0s\""),
        (check("deny-list", "\"cached\"\nttl = \"1s\"\nentries = 31"), "entries", "31"),
        (check("deny-list", "\"cached\"\nttl = \"1s\"\ninterval = \"1s\""), "interval", "\"1s\""),
        (check("deny-list", "\"store\"\nttl = \"1s\""), "ttl", "\"1s\""),
        (check("deny-list", "\"polled\"\ninterval = \"1s\""), "tolerance", "\"polled\""),
        (check("deny-list", "\"pushed\"\ntolerance = \"1s\""), "heartbeat", "\"pushed\""),
        (check("deny-list", &filter.replace("\nconfirm = false", "")), "confirm", "\"filter\""),
        (check("deny-list", &format!("{filter}\none_in = 1")), "one_in", "1"),
        (check("live-list", polled), "view", "\"live-list\""),
        (check("epoch", filter), "view", "\"epoch\""),
    ] {
        let error = refused(&text);
        assert_eq!(error.key, format!("mechanism.checks.{key}"), "{text}\n{error:?}");
        assert_eq!(&text[error.span.clone().expect(key)], at, "{text}\n{error:?}");
        assert!(error.hint.is_some(), "{error:?}");
    }
    let asked = "\"authority\"\nttl = \"0s\"";
    let introspected = Mechanism::parse(&format!("{OPAQUE}{}", LIVE.replace("\"store\"", asked))).unwrap();
    assert_eq!(introspected.checks[0].view, View::Authority { ttl_ms: 0, entries: 100_000 });
    let listed = Mechanism::parse(&check("status-bit", "\"authority\"\nttl = \"5s\"")).unwrap();
    assert_eq!((listed.checks[0].kind, listed.lag_ms()), (CheckKind::StatusBit, 5000));
    for (text, key) in [
        (check("status-bit", "\"store\""), "view"),
        (check("status-bit", asked), "view"),
        (check("status-bit", "\"authority\"\nttl = \"5s\"\nentries = 64"), "entries"),
        (check("deny-list", asked), "view"),
        (format!("{OPAQUE}{}", check("status-bit", asked).replace(JWT, "")), "view"),
    ] {
        let error = refused(&text);
        assert_eq!(error.key, format!("mechanism.checks.{key}"), "{text}\n{error:?}");
    }
    let different = format!("{}{EPOCH}", check("deny-list", polled));
    assert_eq!(refused(&different).key, "mechanism.checks.view");
    let both = format!("{}{}", check("deny-list", filter), EPOCH.replace("\"store\"", filter));
    assert_eq!(refused(&both).key, "mechanism.checks.view");
}

#[test]
fn missing_and_unknown_keys_are_named() {
    let missing = refused("name = \"x\"\n");
    assert_eq!(missing.key, "mechanism");
    assert!(missing.hint.is_some());
    let lifetime = refused("[mechanism.credential]\nkind = \"jwt\"\n");
    assert_eq!(lifetime.key, "mechanism.credential.lifetime");
    let text = format!("{JWT}livetime = \"8h\"\n");
    let unknown = refused(&text);
    assert_eq!(unknown.key, "mechanism.credential.livetime");
    assert!(text[unknown.span.unwrap()].starts_with("livetime"));
    let wrong_type = refused("[mechanism]\nindex = \"yes\"\n[mechanism.credential]\nkind = \"jwt\"\n");
    assert_eq!(wrong_type.key, "mechanism.index");
    refused("[mechanism");
    refused("");
}

proptest! {
    #[test]
    fn arbitrary_text_is_an_error_and_never_a_panic(text in any::<String>()) {
        let _ = Mechanism::parse(&text);
        let _ = Mechanism::parse(&format!("{JWT}{text}"));
        let _ = Mechanism::parse(&JWT.replace("8h", &text.replace(['"', '\\', '\n'], "")));
    }

    #[test]
    fn a_file_with_one_part_spoiled_never_panics(at in any::<prop::sample::Index>(), with in any::<char>()) {
        let mut text: Vec<char> = format!("{INDEX}{JWT}{DENY}{REFRESH}").chars().collect();
        let at = at.index(text.len());
        text[at] = with;
        let text: String = text.into_iter().collect();
        if let Err(error) = Mechanism::parse(&text) {
            prop_assert!(error.span.is_none_or(|span| text.get(span).is_some()));
        }
    }
}
