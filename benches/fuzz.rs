//! Seeded mutation of inputs that come from outside, and the entry points that must survive them.
//!
//! An entry point may refuse an input; it may not panic, and it may not let anybody in. The same seed gives the same
//! inputs, so that a finding can be repeated.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use auth::{Access, Grant, Mechanism, Presented, Verdict};
use scenario::import::ImportOptions;
use scenario::{BackendFile, Scenario};
use stats::Random;

use crate::backends::{NOW, Subject, at_once, file};

/// Longest input, bytes.
const LONGEST: usize = 32 * 1024;

/// Runs one input; an error says what it did that it must not do.
type Run = Box<dyn Fn(&[u8]) -> Result<(), String>>;

/// An entry point and what its inputs are made from.
pub struct Entry {
    /// Name.
    pub name: &'static str,
    seeds: Vec<Vec<u8>>,
    run: Run,
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An input that an entry point did not survive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Entry point.
    pub entry: &'static str,
    /// The input.
    pub input: Vec<u8>,
    /// What happened.
    pub what: String,
}

impl Entry {
    /// Runs one mutated input.
    ///
    /// # Errors
    /// What was found.
    pub fn once(&self, random: &mut Random) -> Result<(), Finding> {
        let input = self.input(random);
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.run)(&input)));
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(what)) => Err(Finding { entry: self.name, input, what }),
            Err(_) => Err(Finding { entry: self.name, input, what: "it panicked".to_owned() }),
        }
    }

    /// A seed with one to eight changes: bits, bytes, pieces cut out, doubled, moved in from another seed, numbers at the
    /// edge of their range.
    fn input(&self, random: &mut Random) -> Vec<u8> {
        let mut input = self.seeds[random.below(self.seeds.len())].clone();
        for _ in 0..=random.below(8) {
            let at = random.below(input.len() + 1);
            let end = (at + random.below(64)).min(input.len());
            match random.below(8) {
                0 if !input.is_empty() => {
                    let at = at.min(input.len() - 1);
                    input[at] ^= 1 << random.below(8);
                }
                1 if !input.is_empty() => {
                    let at = at.min(input.len() - 1);
                    input[at] = random.below(256) as u8;
                }
                2 => drop(input.drain(at..end)),
                3 => {
                    let piece = input[at..end].to_vec();
                    insert(&mut input, at, &piece);
                }
                4 => {
                    let other = &self.seeds[random.below(self.seeds.len())];
                    let from = random.below(other.len() + 1);
                    let piece = other[from..(from + random.below(128)).min(other.len())].to_vec();
                    insert(&mut input, at, &piece);
                }
                5 => insert(&mut input, at, EDGES[random.below(EDGES.len())].as_bytes()),
                6 => input.truncate(at),
                _ => insert(&mut input, at, &[random.below(256) as u8]),
            }
            input.truncate(LONGEST);
        }
        input
    }
}

/// Texts at the edge of what readers expect.
const EDGES: &[&str] = &[
    "-1",
    "0",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "1e999",
    "-0.0",
    "nan",
    "inf",
    "\"",
    "\\",
    "\0",
    "\r\n",
    "\n",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "'''",
    "\"\"\"",
    "=",
    ".",
    "..",
    "%",
    "é",
    "\u{feff}",
    "99999999999h",
    "0s",
    "-5ms",
    "null",
    "true",
];

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let at = at.min(input.len());
    input.splice(at..at, piece.iter().copied());
}

/// Every entry point.
///
/// # Errors
/// When a backend that is a seed cannot be built.
pub fn entries() -> Result<Vec<Entry>, Box<dyn std::error::Error>> {
    let mut entries = Vec::new();
    for name in ["jwt-stateless", "session-memory", "cookie-signed", "jwt-refresh"] {
        entries.push(credentials(name)?);
    }
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    entries.push(text("scenario files", files(folder)?, |text| {
        drop(Scenario::parse(Path::new("x.toml"), text));
    }));
    entries.push(text("backend files", files(&format!("{folder}/backends"))?, |text| {
        drop(BackendFile::parse(Path::new("x.toml"), text));
        drop(Mechanism::parse(text));
    }));
    entries.push(text("plan files", files(&format!("{folder}/plans"))?, |text| {
        drop(measure::Plan::parse(Path::new("x.toml"), text));
    }));
    let log = "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 5120\n\
        192.0.2.8 - u [17/May/2015:10:05:43 +0200] \"POST /login HTTP/1.0\" 302 - \"-\" \"curl\"\n\
        host 804571201 GET /b 200 12\n";
    entries.push(Entry {
        name: "access logs",
        seeds: vec![log.as_bytes().to_vec(), log.repeat(20).into_bytes()],
        run: Box::new(|input| {
            drop(scenario::import::read(input, ImportOptions::default()));
            Ok(())
        }),
    });
    entries.push(recordings()?);
    Ok(entries)
}

fn text(name: &'static str, seeds: Vec<Vec<u8>>, run: fn(&str)) -> Entry {
    let run = move |input: &[u8]| {
        run(&String::from_utf8_lossy(input));
        Ok(())
    };
    Entry { name, seeds, run: Box::new(run) }
}

fn files(folder: &str) -> std::io::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.iter().map(std::fs::read).collect()
}

/// A credential that was changed, presented to the backend that gave it out: nobody may be let in with it.
fn credentials(name: &'static str) -> Result<Entry, Box<dyn std::error::Error>> {
    let subject = Subject::in_memory(&file(name))?;
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for grant in subject.held.iter().take(4) {
        match grant {
            Grant::Cookie { value, .. } => seeds.push(value.clone().into_bytes()),
            Grant::Tokens { access, refresh, .. } => {
                seeds.push(access.clone().into_bytes());
                seeds.extend(refresh.iter().map(|refresh| refresh.clone().into_bytes()));
            }
            Grant::Minted { access, session, .. } => {
                seeds.extend([access, session].map(|text| text.clone().into_bytes()));
            }
        }
    }
    let known: std::collections::HashSet<Vec<u8>> = subject
        .held
        .iter()
        .flat_map(|grant| match grant {
            Grant::Cookie { value, .. } => vec![value.clone().into_bytes()],
            Grant::Tokens { access, .. } | Grant::Minted { access, .. } => vec![access.clone().into_bytes()],
        })
        .collect();
    let run = move |input: &[u8]| {
        let Ok(text) = std::str::from_utf8(input) else { return Ok(()) };
        for presented in
            [Presented { cookie: Some(text), bearer: None }, Presented { cookie: None, bearer: Some(text) }]
        {
            let verdict = at_once(subject.backend.verify(presented, Access::Read, NOW));
            match verdict {
                Ok(Verdict::Accepted { .. }) if !known.contains(input) => {
                    return Err("it let somebody in".to_owned());
                }
                Ok(_) => {}
                Err(error) => return Err(format!("it broke: {error}")),
            }
        }
        // A refresh may be refused, and is unsupported where nothing is renewed; it may not break.
        drop(at_once(subject.backend.refresh(text, NOW)));
        Ok(())
    };
    Ok(Entry { name, seeds, run: Box::new(run) })
}

/// A recording of which one file was changed.
fn recordings() -> Result<Entry, Box<dyn std::error::Error>> {
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/measure/tests/recording-v1"));
    let names =
        ["blocks.jsonl", "plan.toml", "run.json", "environment.json", "manifest.json", "events.jsonl"];
    let mut seeds = Vec::new();
    for (number, name) in names.iter().enumerate() {
        // The first byte says which file it is.
        seeds.push([&[number as u8][..], &std::fs::read(source.join(name))?].concat());
    }
    let folder = tempfile::tempdir()?;
    for entry in std::fs::read_dir(source)? {
        let entry = entry?;
        std::fs::copy(entry.path(), folder.path().join(entry.file_name()))?;
    }
    let run = move |input: &[u8]| {
        let Some((first, rest)) = input.split_first() else { return Ok(()) };
        let name = names[usize::from(*first) % names.len()];
        let path = folder.path().join(name);
        let failed = |error: std::io::Error| error.to_string();
        let original = std::fs::read(source.join(name)).map_err(failed)?;
        std::fs::write(&path, rest).map_err(failed)?;
        // With a manifest a change is refused by its digest; without one every reader sees it.
        let manifest = folder.path().join("manifest.json");
        if name != "manifest.json" {
            drop(std::fs::remove_file(&manifest));
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            if let Ok(recording) = measure::Recording::open(folder.path()) {
                drop(recording.histograms());
            }
        }));
        std::fs::write(&path, original).map_err(failed)?;
        std::fs::copy(source.join("manifest.json"), &manifest).map_err(failed)?;
        outcome.map_err(|_| "it panicked".to_owned())
    };
    Ok(Entry { name: "recordings", seeds, run: Box::new(run) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_found_in_the_short_run() {
        for entry in entries().unwrap() {
            let mut random = Random::new(2026, 0);
            for _ in 0..1500 {
                if let Err(finding) = entry.once(&mut random) {
                    panic!(
                        "{}: {}: {:?}",
                        finding.entry,
                        finding.what,
                        String::from_utf8_lossy(&finding.input)
                    );
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_a_panic_is_found() {
        let entry = text("x", vec![b"abc".to_vec()], |text| assert!(!text.contains("ab"), "on purpose"));
        let inputs = |seed| {
            let mut random = Random::new(seed, 0);
            (0..50).map(|_| entry.input(&mut random)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        let mut random = Random::new(3, 0);
        assert!((0..50).any(|_| entry.once(&mut random).is_err()));
    }
}
