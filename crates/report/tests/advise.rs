//! Advice: what meets a wish, what does not, and what is said not to be known.

#![expect(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use proptest::prelude::*;
use report::advise::{Advice, Design, Meets, NoAdvice, Wish, advise};
use report::comparison::{Context, analyse};
use report::prices::PriceSheet;
use support::{STANDARD, Shape, recording};

const SECOND: u64 = 1_000_000_000;
const WISH: Wish = Wish { logins: 10_000.0, rate: 1_000.0, replicas: 1, tolerate_ns: 60 * SECOND };
const SHORT: Shape = Shape { rounds: 12, ..STANDARD };

fn ask(wish: Wish, scenario: Option<&str>, shape: Shape) -> Result<Advice, NoAdvice> {
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(folder.path(), shape);
    let analysis = analyse(&recording.plan, &recording.blocks, &Context::of(&recording));
    let text = include_str!("../../../scenarios/prices/cloud-2026-06.toml");
    let sheet = PriceSheet::parse(Path::new("shipped"), text).unwrap();
    advise(wish, scenario, &recording, &analysis, &sheet)
}

fn design<'a>(advice: &'a Advice, row: &str) -> &'a Design {
    advice.designs.iter().find(|design| design.row == row).unwrap()
}

fn says(sentences: &[String], words: &str) -> bool {
    sentences.iter().any(|sentence| sentence.contains(words))
}

#[test]
fn within_what_was_measured_nothing_is_open() {
    let advice = ask(WISH, None, SHORT).unwrap();
    let redis = design(&advice, "session-redis");
    assert_eq!((redis.meets, &redis.not_known[..]), (Meets::Yes, &[][..]));
    let first = &advice.designs[0];
    assert_eq!((first.row.as_str(), first.over_cheapest_per_month), ("session-memory", None));
    assert!(redis.over_cheapest_per_month.unwrap().lower() > 0.0);
    assert!(
        advice.designs.iter().all(|d| d.row != "none" && !d.row.contains('.')),
        "controls are no options"
    );
    assert!(says(&advice.not_known, "response time"), "{:?}", advice.not_known);
}

#[test]
fn a_token_that_outlives_the_tolerance_does_not_meet_it() {
    let advice = ask(WISH, None, SHORT).unwrap();
    let token = design(&advice, "jwt-stateless");
    assert_eq!(token.meets, Meets::No);
    assert!(says(&token.against, "until it expires, 15 min (declared), 60"), "{:?}", token.against);
    assert_eq!(token.exposure_bound_ns, Some(900e9));
    let patient = ask(Wish { tolerate_ns: 3_600 * SECOND, ..WISH }, None, SHORT).unwrap();
    assert_ne!(design(&patient, "jwt-stateless").meets, Meets::No);
    assert_eq!(patient.designs[0].row, "session-memory");
}

#[test]
fn memory_of_one_process_does_not_serve_several() {
    let advice = ask(Wish { replicas: 6, ..WISH }, None, SHORT).unwrap();
    let memory = design(&advice, "session-memory");
    assert_eq!(memory.meets, Meets::No);
    assert!(says(&memory.against, "with 6 replicas another one does not know them"), "{:?}", memory.against);
    let redis = design(&advice, "session-redis");
    assert_eq!(redis.meets, Meets::Open);
    assert!(says(&redis.not_known, "it was measured with 1"), "{:?}", redis.not_known);
}

#[test]
fn what_lies_beyond_the_measurement_is_said() {
    let advice = ask(Wish { logins: 200_000.0, rate: 9_000.0, ..WISH }, None, SHORT).unwrap();
    let redis = design(&advice, "session-redis");
    for words in [
        "200,000 logins is extended in proportion from the 20,000",
        "9,000 requests/s on each replica lie beyond",
    ] {
        assert!(says(&redis.not_known, words), "{words}: {:?}", redis.not_known);
    }
    assert!(says(&redis.not_known, "requests/s at one store lie beyond"), "{:?}", redis.not_known);
    let too_much = ask(Wish { rate: 200_000.0, ..WISH }, None, SHORT).unwrap();
    let redis = design(&too_much, "session-redis");
    assert_eq!(redis.meets, Meets::No);
    assert!(says(&redis.against, "it needs 10."), "{:?}", redis.against);
    assert!(says(&redis.not_known, "more than one Redis process"), "{:?}", redis.not_known);
}

#[test]
fn wrong_answers_and_void_recordings() {
    let advice = ask(WISH, None, Shape { wrong: true, ..SHORT }).unwrap();
    assert!(says(&design(&advice, "jwt-allowlist").against, "wrong answers"));
    let void = ask(WISH, None, Shape { broken_twin: true, ..SHORT }).unwrap_err();
    assert!(matches!(&void, NoAdvice::Void(why) if why.contains("identical servers")), "{void}");
    let cut = ask(WISH, None, Shape { interrupted: true, ..SHORT }).unwrap();
    assert!(says(&cut.not_known, "cut off"));
    let none = ask(WISH, Some("stead"), SHORT).unwrap_err();
    assert!(none.to_string().contains("help: measured: steady"), "{none}");
    let uncontrolled = ask(WISH, None, Shape { controls: false, ..SHORT }).unwrap();
    assert!(says(&uncontrolled.not_known, "no controls"));
}

#[test]
fn exposure_that_was_not_tried_is_only_declared() {
    let advice = ask(WISH, None, Shape { episodes: false, ..SHORT }).unwrap();
    let redis = design(&advice, "session-redis");
    assert_eq!(redis.meets, Meets::Open);
    assert!(says(&redis.not_known, "was not tried in this recording"), "{:?}", redis.not_known);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn beyond_the_measurement_nothing_simply_meets(rate in 1.0_f64..1e6, logins in 0.0_f64..1e8, replicas in 1_u32..50) {
        let wish = Wish { rate, logins, replicas, tolerate_ns: u64::MAX };
        let advice = ask(wish, None, Shape { rounds: 8, ..STANDARD }).unwrap();
        let beyond = rate / f64::from(replicas) > advice.measured_rate || replicas > 1;
        for design in &advice.designs {
            prop_assert!(!beyond || design.meets != Meets::Yes, "{design:?}");
            prop_assert!(design.per_month.value.is_finite() && design.per_month.value > 0.0);
        }
        let rank = |d: &Design| (d.meets == Meets::No, d.per_million.value);
        prop_assert!(advice.designs.windows(2).all(|pair| rank(&pair[0]) <= rank(&pair[1])));
    }
}
