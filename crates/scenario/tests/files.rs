//! What a user gets wrong in a file is told with its line, its key and a next step.

use std::path::Path;

use proptest::prelude::*;
use scenario::builtin::Shelf;
use scenario::{BackendFile, FileError, Scenario, file};

const GOOD: &str = r#"name = "mine"
question = "?"
kind = "stationary"

[population]
subjects = 100

[load]
rate = 10
"#;

fn scenario(text: &str) -> Result<Scenario, FileError> {
    Scenario::parse(Path::new("mine.toml"), text)
}

/// `after` is put in place of `before`; the error must stand there, be about the key and say this.
#[track_caller]
fn refused(before: &str, after: &str, at: (usize, usize), key: &str, says: &str) {
    let text = GOOD.replacen(before, after, 1);
    let error = scenario(&text).err().unwrap_or_else(|| panic!("accepted:\n{text}"));
    let message = error.to_string();
    assert_eq!((error.line, error.column, error.key.as_str()), (at.0, at.1, key), "{message}");
    assert!(
        message.starts_with(&format!("mine.toml:{}:{}: ", at.0, at.1)) && message.contains(says),
        "{message}"
    );
}

#[test]
fn the_good_one_is_good() {
    assert_eq!(scenario(GOOD).unwrap().population.subjects, 100);
}

#[test]
fn unknown_keys_get_a_suggestion() {
    refused("rate = 10", "rte = 10\nrate = 1", (9, 1), "load.rte", "did you mean `rate`?");
    refused("subjects", "subject", (6, 1), "population.subject", "did you mean `subjects`?");
    refused("[load]", "[lod]", (8, 2), "lod", "did you mean `load`?");
    refused("rate = 10", "rate = 10\nxylophone = 1", (10, 1), "load.xylophone", "known keys here: rate");
    refused("\"stationary\"", "\"stationery\"", (3, 8), "kind", "did you mean `stationary`?");
}

#[test]
fn wrong_types_say_what_is_expected() {
    refused("100", "\"many\"", (6, 12), "population.subjects", "expected a whole number");
    refused("100", "-1", (6, 12), "population.subjects", "expected a whole number");
    refused("rate = 10", "rate = true", (9, 8), "load.rate", "expected a number");
    refused("rate = 10", "rate = 10\nduration = 5", (10, 12), "load.duration", "250ms");
    refused("rate = 10", "rate = 10\nduration = \"5\"", (10, 12), "load.duration", "no unit");
    refused(
        "rate = 10",
        "rate = 10\narrivals = \"poison\"",
        (10, 12),
        "load.arrivals",
        "did you mean `poisson`?",
    );
}

#[test]
fn missing_and_broken() {
    refused("name = \"mine\"\n", "", (1, 1), "name", "missing key `name`");
    refused("rate = 10", "", (8, 1), "load.rate", "missing key `load.rate`");
    refused("rate = 10", "rate = quick", (9, 8), "load.rate", "string values must be quoted");
}

#[test]
fn impossible_values_and_combinations() {
    refused("100", "0", (6, 1), "population.subjects", "not between 1 and");
    refused("rate = 10", "rate = nan", (9, 1), "load.rate", "not between");
    refused("rate = 10", "rate = -1", (9, 1), "load.rate", "not between");
    refused("mine", "My Load", (1, 1), "name", "a-z");
    refused("[load]", "[visit]\nspeed = 5\n[load]", (8, 2), "visit", "stationary");
    refused("[load]", "[trial]\n[load]", (8, 2), "trial", "remove `[trial]`");
    refused(
        "rate = 10",
        "rate = 10\narrivals.ramp = { from = 0, to = 1, over = \"1s\" }",
        (10, 1),
        "load.arrivals",
        "not stationary",
    );
    refused(
        "rate = 10",
        "rate = 10\narrivals.bursts = { every = \"1s\", length = \"500ms\", factor = 3 }",
        (10, 53),
        "load.arrivals.bursts.factor",
        "exceed the mean",
    );
    refused("\"stationary\"", "\"cafe\"", (6, 1), "population.subjects", "too few");
    let longer = GOOD.replace("stationary", "cafe").replace("rate = 10", "rate = 10\nduration = \"100ms\"");
    let error = scenario(&longer).unwrap_err();
    assert_eq!((error.key.as_str(), error.line), ("load.duration", 10), "{error}");
}

#[test]
fn backend_headers() {
    let good = Shelf::Backends.find("session-redis").unwrap().text;
    let refused = |before: &str, after: &str, key: &str, says: &str| {
        let error = BackendFile::parse(Path::new("b.toml"), &good.replacen(before, after, 1)).unwrap_err();
        assert!(error.key == key && error.line > 0 && error.to_string().contains(says), "{error:?}");
    };
    assert!(BackendFile::parse(Path::new("b.toml"), good).is_ok());
    refused("summary", "sumary", "sumary", "did you mean `summary`?");
    refused("\"redis\"", "\"oracle\"", "needs[0]", "unknown value `oracle`");
    refused("revocation_lag = \"none\"", "revocation_lag = \"soon\"", "promises.revocation_lag", "lifetime");
    refused("logout_all", "logout_every", "promises.logout_every", "logout_all");
    refused("needs", "replicas = 0\nneeds", "replicas", "between 1 and 64");
    // The mechanism is not this crate's to judge, but it must be there.
    assert!(BackendFile::parse(Path::new("b.toml"), &good.replace("\"opaque\"", "\"nonsense\"")).is_ok());
    let headless = &good[..good.find("[mechanism").unwrap()];
    let error = BackendFile::parse(Path::new("b.toml"), headless).unwrap_err();
    assert_eq!(error.key, "mechanism");
}

#[test]
fn revocation_lag_is_written_with_a_unit() {
    for (text, millis) in [("5s", 5000), ("250ms", 250), ("2m", 120_000)] {
        let lag: scenario::backend::Lag = text.parse().unwrap();
        assert_eq!((lag, lag.to_string().as_str()), (scenario::backend::Lag::Millis(millis), text));
    }
    for bad in ["5", "0s", "1us", "soon"] {
        assert!(bad.parse::<scenario::backend::Lag>().is_err(), "{bad}");
    }
}

#[test]
fn names_resolve_to_files_first_then_to_built_ins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steady");
    std::fs::write(&path, GOOD).unwrap();
    assert_eq!(Shelf::Scenarios.resolve(path.to_str().unwrap()).unwrap().text, GOOD);
    assert_eq!(Shelf::Scenarios.resolve("steady").unwrap().path, Path::new("<built-in steady>"));
    std::fs::write(&path, " ".repeat((1 << 20) + 1)).unwrap();
    let error = Shelf::Scenarios.resolve(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("longer than"), "{error}");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    let error = Shelf::Scenarios.resolve(path.to_str().unwrap()).unwrap_err().to_string();
    assert!(error.contains("UTF-8"), "{error}");
    let error = Shelf::Backends.resolve("sesion-redis").unwrap_err().to_string();
    assert!(error.contains("did you mean `session-redis`?"), "{error}");
    let error = Shelf::Scenarios.resolve("missing/elsewhere.toml").unwrap_err().to_string();
    assert!(error.contains("missing/elsewhere.toml") && error.contains("built-in: steady"), "{error}");
}

#[test]
fn a_key_is_found_through_arrays() {
    let text = Shelf::Backends.find("jwt-denylist").unwrap().text;
    let second = file::find(text, "mechanism.checks[1].kind").unwrap();
    assert_eq!(second, file::find(text, "mechanism.checks.1.kind").unwrap());
    let line = text[..second.start].matches('\n').count();
    assert_eq!(text.lines().nth(line), Some("kind = \"epoch\""));
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,300}") {
        let _ = scenario(&text);
        let _ = BackendFile::parse(Path::new("x.toml"), &text);
        let _ = file::find(&text, "load.rate");
    }

    /// A damaged file that still looks like one gets further than noise.
    #[test]
    fn no_damage_panics(at in 0_usize..GOOD.len(), insert in "[\\[\\]{}=\".0-9a-z\n-]{0,4}", cut in 0_usize..6) {
        let mut text = GOOD.to_owned();
        let end = (at + cut).min(text.len());
        text.replace_range(at..end, &insert);
        if let Err(error) = scenario(&text) {
            prop_assert!(!error.message.is_empty());
            prop_assert!(error.line <= text.lines().count() + 1);
        }
    }

    #[test]
    fn any_offset_has_a_position(text in ".{0,80}", offset: usize) {
        let (line, column) = file::position(&text, offset);
        prop_assert!(line >= 1 && column >= 1);
    }
}
