//! What reads inputs from outside, and seeded mutation of such inputs.
//!
//! An entry point may refuse an input; it may not panic, break or let anybody in. Where an entry point has several
//! readers, the first byte of an input says which: `0` the first, `1` the second. `fuzz/` drives the same entry points
//! by coverage; what it found stands in `fuzz/corpus/` and is run by the tests here.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use stats::Random;

mod answers;
mod credentials;
mod files;
mod recordings;

/// Longest input, bytes.
const LONGEST: usize = 32 * 1024;

/// The entry points.
pub const NAMES: [&str; 5] = ["credentials", "answers", "toml", "access_logs", "recordings"];

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
    /// The entry point of this name; one of [`NAMES`].
    ///
    /// # Errors
    /// When there is none, or what its inputs are made from cannot be built.
    pub fn named(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        match name {
            "credentials" => credentials::entry(),
            "answers" => answers::entry(),
            "toml" => files::toml(),
            "access_logs" => Ok(files::access_logs()),
            "recordings" => recordings::entry(),
            other => Err(format!("there is no entry point `{other}`").into()),
        }
    }

    /// Runs one input.
    ///
    /// # Errors
    /// What it did that it must not do.
    pub fn run(&self, input: &[u8]) -> Result<(), String> {
        (self.run)(input)
    }

    /// The inputs it begins with.
    #[must_use]
    pub fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

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

/// Which reader an input is for, and what it reads.
fn selected(input: &[u8], readers: usize) -> Option<(usize, &[u8])> {
    let (first, rest) = input.split_first()?;
    Some((usize::from(first.wrapping_sub(b'0')) % readers, rest))
}

/// An input for this reader.
fn for_reader(reader: usize, input: &[u8]) -> Vec<u8> {
    [&[b'0' + reader as u8][..], input].concat()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn nothing_is_found_in_the_short_run() {
        for name in NAMES {
            let entry = Entry::named(name).unwrap();
            let mut random = Random::new(2026, 0);
            for _ in 0..1500 {
                if let Err(finding) = entry.once(&mut random) {
                    panic!("{}: {}: {}", finding.entry, finding.what, finding.input.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn every_committed_input_is_survived() {
        for name in NAMES {
            let entry = Entry::named(name).unwrap();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
            let listed = std::fs::read_dir(&folder).unwrap();
            let mut paths: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
            paths.sort();
            assert!(!paths.is_empty(), "{} holds no input", folder.display());
            for path in paths {
                let input = std::fs::read(&path).unwrap();
                assert!(input.len() <= LONGEST, "{}: too long to be kept", path.display());
                let outcome = catch_unwind(AssertUnwindSafe(|| entry.run(&input)));
                assert!(matches!(outcome, Ok(Ok(()))), "{}: {outcome:?}", path.display());
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_inputs_and_a_panic_is_found() {
        let run = |input: &[u8]| {
            assert!(!input.windows(2).any(|pair| pair == b"ab"), "on purpose");
            Ok(())
        };
        let entry = Entry { name: "x", seeds: vec![b"abc".to_vec()], run: Box::new(run) };
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
