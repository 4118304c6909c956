//! Access tokens under attack: everything that is not exactly a token of ours is rejected, and nothing panics.
//!
//! Sources: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best practice), RFC 9068 (access tokens), ASVS v5 chapter 9.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod harness;
#[path = "jwt/writer.rs"]
mod writer;

use auth::{Access, Algorithm, KeyMaterial, Mechanism, Presented, Rejection, Verdict};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use harness::{ALICE, Case, T0};
use proptest::prelude::*;
use serde_json::{Value, json};
use writer::{SECRET, claims, header, sign, token};

const NOW: u64 = T0 / 1000;
const ISSUER: &str = "https://issuer.authbench.example";
const AUDIENCE: &str = "https://api.authbench.example";

async fn stateless(settings: &str, key: &KeyMaterial) -> Case {
    let text = format!("[mechanism.credential]\nkind = \"jwt\"\nlifetime = \"1h\"\n{settings}\n");
    Case::over(Mechanism::parse(&text).unwrap(), None, Some(key.clone())).await
}

async fn hs256() -> Case {
    stateless("", &KeyMaterial::from_bytes(Algorithm::Hs256, &SECRET).unwrap()).await
}

async fn judge(case: &Case, token: &str, now_s: u64) -> Verdict {
    let presented = Presented { cookie: None, bearer: Some(token) };
    case.backend.verify(presented, Access::Read, now_s * 1000).await.unwrap()
}

async fn assert_accepted(case: &Case, what: &str, token: &str) {
    let verdict = judge(case, token, NOW).await;
    assert!(matches!(verdict, Verdict::Accepted { .. }), "{what}: {verdict:?}");
}

async fn assert_refused(case: &Case, what: &str, token: &str) {
    let verdict = judge(case, token, NOW).await;
    assert!(matches!(verdict, Verdict::Rejected(_)), "{what} was let in");
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name).expect(name);
    object
}

#[tokio::test]
async fn the_writer_of_these_tests_writes_tokens_that_are_accepted() {
    let case = hs256().await;
    assert_accepted(&case, "ours", &token(&header(), &claims())).await;
    let typ = with(header(), "typ", json!("application/at+jwt"));
    assert_accepted(&case, "the long media type", &token(&typ, &claims())).await;
    let kid = with(header(), "kid", json!("../../dev/null'; DROP TABLE keys; --"));
    assert_accepted(&case, "an inert kid", &token(&kid, &claims())).await;
    let aud = with(claims(), "aud", json!(["https://elsewhere.example", AUDIENCE]));
    assert_accepted(&case, "several audiences", &token(&header(), &aud)).await;
    let more = with(claims(), "unknown", json!({ "nested": [1, 2, 3] }));
    assert_accepted(&case, "claims we do not know", &token(&header(), &more)).await;
}

#[tokio::test]
async fn tokens_carry_the_claims_of_rfc_9068() {
    for algorithm in Algorithm::ALL {
        let key = KeyMaterial::generate(algorithm).unwrap();
        let case = stateless(&format!("algorithm = \"{}\"", algorithm.name()), &key).await;
        let held = case.login(ALICE, T0).await;
        let parts: Vec<Value> = held
            .text()
            .split('.')
            .take(2)
            .map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0], json!({ "typ": "at+jwt", "alg": algorithm.name() }));
        let claims = &parts[1];
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(AUDIENCE)));
        assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(ALICE), &json!("authbench")));
        assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW), &json!(NOW + 3600)));
        let jti = BASE64.decode(claims["jti"].as_str().unwrap()).unwrap();
        assert!(jti.len() * 8 >= 128, "jti has {} bits", jti.len() * 8);
        assert!(case.lets_in(&held, T0).await, "{}", algorithm.name());
    }
}

#[tokio::test]
async fn only_the_configured_algorithm_is_accepted() {
    let case = hs256().await;
    for name in ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "hs256", "HS256 ", "unknown"]
    {
        let header = with(header(), "alg", json!(name));
        let signed = token(&header, &claims());
        assert_refused(&case, name, &signed).await;
        let unsigned = signed.rsplit_once('.').unwrap().0.to_owned();
        assert_refused(&case, name, &format!("{unsigned}.")).await;
        assert_refused(&case, name, &unsigned).await;
    }
    assert_refused(&case, "no alg", &token(&without(header(), "alg"), &claims())).await;
    for odd in [json!(null), json!(["HS256"]), json!(256)] {
        assert_refused(&case, "odd alg", &token(&with(header(), "alg", odd), &claims())).await;
    }
}

#[tokio::test]
async fn a_public_key_is_no_hmac_secret() {
    let key = KeyMaterial::generate(Algorithm::Rs256).unwrap();
    let case = stateless("algorithm = \"RS256\"", &key).await;
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(key.to_bytes()).unwrap();
    let public = aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref().to_vec();
    let parts = writer::parts(&header(), &claims());
    assert_refused(&case, "HS256 with the public key", &sign(&parts, &public)).await;
    let claimed = writer::parts(&with(header(), "alg", json!("RS256")), &claims());
    assert_refused(&case, "the same under RS256", &sign(&claimed, &public)).await;
    let held = case.login(ALICE, T0).await;
    assert!(case.lets_in(&held, T0).await);
}

#[tokio::test]
async fn a_key_inside_the_token_is_never_used() {
    let case = hs256().await;
    let theirs = [7u8; 32];
    let jwk = json!({ "kty": "oct", "k": BASE64.encode(theirs), "alg": "HS256" });
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://attacker.example/keys")),
        ("x5u", json!("https://attacker.example/chain")),
        ("x5c", json!([base64::engine::general_purpose::STANDARD.encode(theirs)])),
        ("kid", json!("attacker")),
    ] {
        let parts = writer::parts(&with(header(), name, value), &claims());
        assert_refused(&case, name, &sign(&parts, &theirs)).await;
    }
}

#[tokio::test]
async fn critical_parameters_and_other_types_are_refused() {
    let case = hs256().await;
    for crit in
        [json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("x"), json!(["http://x.example/y"])]
    {
        assert_refused(&case, "crit", &token(&with(header(), "crit", crit), &claims())).await;
    }
    assert_refused(&case, "b64", &token(&with(header(), "b64", json!(false)), &claims())).await;
    for typ in [json!("JWT"), json!("at-jwt"), json!("rt+jwt"), json!(""), json!(null), json!(["at+jwt"])] {
        assert_refused(&case, "typ", &token(&with(header(), "typ", typ), &claims())).await;
    }
    assert_refused(&case, "no typ", &token(&without(header(), "typ"), &claims())).await;
}

#[tokio::test]
async fn other_shapes_of_a_token_are_refused() {
    let case = hs256().await;
    let good = token(&header(), &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let json_form = json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string();
    let shapes = [
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.{}", parts[2]),
        format!("{good}.a.b"),
        format!(".{good}"),
        format!("{good}."),
        format!("{}..{}", parts[0], parts[2]),
        format!("Bearer {good}"),
        json_form,
    ];
    for shape in &shapes {
        assert_refused(&case, "shape", shape).await;
    }
    for at in 0..3 {
        for spoiled in ["=", "==", " ", "?", "\n", "+", "%3D"] {
            let mut parts: Vec<String> = parts.iter().map(|&part| part.to_owned()).collect();
            parts[at].push_str(spoiled);
            assert_refused(&case, "padding", &parts.join(".")).await;
        }
    }
    // A signature of 32 bytes leaves two bits unused in its last character: four spellings, one canonical.
    let last = good.chars().last().unwrap();
    for other in 'A'..='z' {
        if other != last && other.is_ascii_alphanumeric() {
            let spelling = format!("{}{other}", &good[..good.len() - 1]);
            assert_refused(&case, "another spelling of the last bits", &spelling).await;
        }
    }
}

#[tokio::test]
async fn times_are_whole_numbers_and_exp_is_demanded() {
    let case = hs256().await;
    for name in ["exp", "iat", "nbf"] {
        for odd in [
            json!("1800003600"),
            json!(-1),
            json!(1_800_003_600.5),
            json!(1.8e9),
            json!(1e300),
            json!(null),
            json!([1_800_003_600]),
            json!(9_007_199_254_740_993u64),
            json!(u64::MAX),
            json!(true),
        ] {
            let what = format!("{name} = {odd}");
            assert_refused(&case, &what, &token(&header(), &with(claims(), name, odd))).await;
        }
    }
    for name in ["exp", "iat", "iss", "aud", "sub", "jti", "client_id"] {
        assert_refused(&case, name, &token(&header(), &without(claims(), name))).await;
    }
}

#[tokio::test]
async fn exp_and_nbf_hold_to_the_second() {
    let earlier = || with(claims(), "iat", json!(NOW - 60));
    let signed = |name: &str, value: u64| token(&header(), &with(earlier(), name, json!(value)));
    let case = hs256().await;
    assert_eq!(judge(&case, &signed("exp", NOW), NOW).await, Verdict::Rejected(Rejection::Expired));
    assert_accepted(&case, "one second left", &signed("exp", NOW + 1)).await;
    assert_accepted(&case, "valid from now", &signed("nbf", NOW)).await;
    assert_eq!(judge(&case, &signed("nbf", NOW + 1), NOW).await, Verdict::Rejected(Rejection::Expired));
    assert_refused(&case, "issued in the far future", &signed("iat", NOW + 61)).await;
    assert_refused(&case, "issued after it ends", &signed("iat", NOW + 3601)).await;

    let key = KeyMaterial::from_bytes(Algorithm::Hs256, &SECRET).unwrap();
    let lenient = stateless("leeway = \"30s\"", &key).await;
    assert_accepted(&lenient, "inside the leeway", &signed("exp", NOW - 29)).await;
    assert_eq!(judge(&lenient, &signed("exp", NOW - 30), NOW).await, Verdict::Rejected(Rejection::Expired));
    assert_accepted(&lenient, "nbf inside the leeway", &signed("nbf", NOW + 30)).await;
    assert_refused(&lenient, "nbf beyond it", &signed("nbf", NOW + 31)).await;
}

#[tokio::test]
async fn issuer_and_audience_are_exact() {
    let case = hs256().await;
    for iss in
        [json!("https://issuer.authbench.example/"), json!(""), json!([ISSUER]), json!(null), json!({})]
    {
        assert_refused(&case, "iss", &token(&header(), &with(claims(), "iss", iss))).await;
    }
    for aud in [json!("https://elsewhere.example"), json!([]), json!(["x"]), json!(""), json!(null), json!(1)]
    {
        assert_refused(&case, "aud", &token(&header(), &with(claims(), "aud", aud))).await;
    }
}

#[tokio::test]
async fn members_given_twice_are_refused() {
    let case = hs256().await;
    let claims_text = claims().to_string();
    for (name, value) in
        [("exp", "9999999999"), ("aud", "\"x\""), ("sub", "\"admin\""), ("iss", "\"x\""), ("jti", "\"x\"")]
    {
        for doubled in [
            format!("{{\"{name}\":{value},{}", &claims_text[1..]),
            format!("{},\"{name}\":{value}}}", &claims_text[..claims_text.len() - 1]),
        ] {
            let parts = writer::raw_parts(&header().to_string(), &doubled);
            assert_refused(&case, name, &sign(&parts, &SECRET)).await;
        }
    }
    for twice in [
        r#"{"alg":"HS256","typ":"at+jwt","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"at+jwt"}"#,
    ] {
        let parts = writer::raw_parts(twice, &claims_text);
        assert_refused(&case, twice, &sign(&parts, &SECRET)).await;
    }
}

#[tokio::test]
async fn large_and_deep_tokens_are_refused() {
    let case = hs256().await;
    let long = with(claims(), "tenant", json!("x".repeat(auth::MAX_TOKEN)));
    assert_refused(&case, "larger than the limit", &token(&header(), &long)).await;
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    let payload = claims().to_string().replace("{", &format!("{{\"deep\":{deep},"));
    let parts = writer::raw_parts(&header().to_string(), &payload);
    assert_refused(&case, "a thousand levels deep", &sign(&parts, &SECRET)).await;
    let parts = writer::raw_parts(
        &format!("{{\"deep\":{deep},{}", &header().to_string()[1..]),
        &claims().to_string(),
    );
    assert_refused(&case, "a header a thousand levels deep", &sign(&parts, &SECRET)).await;
}

#[tokio::test]
async fn signatures_that_are_none_are_refused() {
    for algorithm in Algorithm::ALL {
        let key = KeyMaterial::generate(algorithm).unwrap();
        let case = stateless(&format!("algorithm = \"{}\"", algorithm.name()), &key).await;
        let held = case.login(ALICE, T0).await;
        let (message, signature) = held.text().rsplit_once('.').unwrap();
        let bytes = BASE64.decode(signature).unwrap();
        let one = [&vec![0u8; bytes.len() - 1][..], &[1]].concat();
        for (what, forged) in [
            ("empty", vec![]),
            ("zeroes", vec![0; bytes.len()]),
            ("one", one),
            ("all ones", vec![0xff; bytes.len()]),
            ("truncated", bytes[..bytes.len() - 1].to_vec()),
            ("extended", [&bytes[..], &[0]].concat()),
            ("halves swapped", [&bytes[bytes.len() / 2..], &bytes[..bytes.len() / 2]].concat()),
        ] {
            let what = format!("{} {what}", algorithm.name());
            assert_refused(&case, &what, &format!("{message}.{}", BASE64.encode(forged))).await;
        }
        let other = stateless(
            &format!("algorithm = \"{}\"", algorithm.name()),
            &KeyMaterial::generate(algorithm).unwrap(),
        )
        .await;
        assert_refused(&other, "another key", held.text()).await;
        let replica = stateless(&format!("algorithm = \"{}\"", algorithm.name()), &key).await;
        assert_accepted(&replica, "a replica with the same key", held.text()).await;
    }
}

#[test]
fn short_keys_and_keys_of_another_algorithm_are_refused() {
    for length in [0, 1, 31] {
        assert!(KeyMaterial::from_bytes(Algorithm::Hs256, &vec![1; length]).is_err());
    }
    let rsa = KeyMaterial::generate(Algorithm::Rs256).unwrap();
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        assert!(KeyMaterial::from_bytes(algorithm, rsa.to_bytes()).is_err());
    }
    assert!(!format!("{rsa:?}").contains("bytes"), "a key must not be printed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_changed_character_makes_a_token_worthless(
        algorithm in 0usize..5, at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]",
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            // RSA keys take long to make: the cheap algorithms stand for the shape, one RSA key in its own test.
            let algorithm = [Algorithm::Hs256, Algorithm::Es256, Algorithm::EdDsa][algorithm % 3];
            let key = KeyMaterial::generate(algorithm).unwrap();
            let case = stateless(&format!("algorithm = \"{}\"", algorithm.name()), &key).await;
            let held = case.login(ALICE, T0).await;
            let at = at.index(held.text().len());
            let mut changed = held.text().to_owned();
            changed.replace_range(at..=at, &to);
            if changed != held.text() {
                assert_refused(&case, "changed", &changed).await;
            }
            changed.remove(at);
            assert_refused(&case, "shortened", &changed).await;
        });
    }

    #[test]
    fn arbitrary_text_is_rejected_by_every_kind_of_credential(text in any::<String>(), base64 in "[A-Za-z0-9_-]{0,90}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for name in ["session-memory", "jwt-stateless", "jwt-refresh", "jwt-allowlist"] {
                let case = Case::new(name, harness::StoreKind::Memory).await;
                for text in [&text, &base64, &format!("{base64}.{base64}.{base64}")] {
                    for presented in harness::anywhere(text) {
                        let verdict = case.backend.verify(presented, Access::Write, T0).await.unwrap();
                        prop_assert!(matches!(verdict, Verdict::Rejected(_)));
                        let ended = case.backend.logout(presented, Some(text), T0).await.unwrap();
                        prop_assert!(matches!(ended, Verdict::Rejected(_)));
                    }
                    if let Ok(grant) = case.backend.refresh(text, T0).await {
                        prop_assert_eq!(grant, None);
                    }
                }
            }
            Ok(())
        })?;
    }
}
