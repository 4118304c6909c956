//! Recordings of which one file was changed by somebody who knows the format: the chain of hashes is made to fit again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use measure::Recording;
use measure::recording::sha256_hex;
use serde_json::Value;

use super::{Entry, for_reader, selected};

/// The files of a recording, in the order of their readers.
const FILES: [&str; 8] = [
    "blocks.jsonl",
    "plan.toml",
    "run.json",
    "environment.json",
    "manifest.json",
    "events.jsonl",
    "steady.hlog",
    "cafe.hlog",
];
const MANIFEST: &str = "manifest.json";

type Files = BTreeMap<&'static str, Vec<u8>>;

pub(super) fn entry() -> Result<Entry, Box<dyn std::error::Error>> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/measure/tests/recording-v1");
    let mut originals = Files::new();
    for name in FILES {
        originals.insert(name, std::fs::read(source.join(name))?);
    }
    let mut seeds: Vec<Vec<u8>> =
        FILES.iter().enumerate().map(|(number, name)| for_reader(number, &originals[name])).collect();
    // Shorter ones: a single block, and a log of one line.
    for number in [0, 6] {
        let whole = &originals[FILES[number]];
        let lines = whole.split_inclusive(|byte| *byte == b'\n').take(4);
        seeds.push(for_reader(number, &lines.flatten().copied().take(4096).collect::<Vec<u8>>()));
    }
    let folder = tempfile::tempdir()?;
    let run = move |input: &[u8]| {
        let Some((number, text)) = selected(input, FILES.len()) else { return Ok(()) };
        let mut files = originals.clone();
        files.insert(FILES[number], text.to_vec());
        if FILES[number] != MANIFEST {
            // With a manifest every change is refused by its digest: without one the run counts as cut off.
            files.remove(MANIFEST);
            repair(&mut files);
        }
        write(folder.path(), &files).map_err(|error| format!("the folder cannot be written: {error}"))?;
        let read = || Recording::open(folder.path()).and_then(|recording| report::build(&recording));
        // Refused or read: both are well.
        let outcome = catch_unwind(AssertUnwindSafe(|| drop(read())));
        outcome.map_err(|_| "it panicked".to_owned())
    };
    Ok(Entry { name: "recordings", seeds, run: Box::new(run) })
}

fn write(folder: &Path, files: &Files) -> std::io::Result<()> {
    for name in FILES {
        let path = folder.join(name);
        match files.get(name) {
            Some(text) => std::fs::write(&path, text)?,
            None if path.exists() => std::fs::remove_file(&path)?,
            None => {}
        }
    }
    Ok(())
}

/// Makes the hashes fit where the texts can be read at all.
fn repair(files: &mut Files) {
    let plan = sha256_hex(&files["plan.toml"]);
    if let Ok(mut run) = serde_json::from_slice::<Value>(&files["run.json"])
        && let Some(registered) = run.get_mut("plan_sha256")
    {
        *registered = plan.clone().into();
        files.insert("run.json", run.to_string().into_bytes());
    }
    let (mut previous, mut chained) = (plan, Vec::new());
    for (number, line) in files["blocks.jsonl"].split_inclusive(|byte| *byte == b'\n').enumerate() {
        let whole = line.strip_suffix(b"\n");
        let block = whole.and_then(|line| serde_json::from_slice::<Value>(line).ok());
        let Some(Value::Object(mut block)) = block else {
            chained.extend_from_slice(line);
            continue;
        };
        block.insert("previous".to_owned(), previous.into());
        block.insert("sequence".to_owned(), number.into());
        let text = Value::Object(block).to_string();
        previous = sha256_hex(text.as_bytes());
        chained.extend_from_slice(text.as_bytes());
        chained.push(b'\n');
    }
    files.insert("blocks.jsonl", chained);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_block_still_reaches_the_report() {
        let entry = entry().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/measure/tests/recording-v1");
        let text = std::fs::read_to_string(source.join("blocks.jsonl")).unwrap();
        let mut files = Files::new();
        for name in FILES {
            files.insert(name, std::fs::read(source.join(name)).unwrap());
        }
        files.remove(MANIFEST);
        let changed = text.replacen("\"measured_ns\":", "\"measured_ns\":1", 1);
        assert_ne!(changed, text);
        files.insert("blocks.jsonl", changed.clone().into_bytes());
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files).unwrap();
        assert!(Recording::open(folder.path()).is_err(), "a change is seen by the chain");
        repair(&mut files);
        write(folder.path(), &files).unwrap();
        Recording::open(folder.path()).and_then(|recording| report::build(&recording)).unwrap();
        entry.run(&for_reader(0, changed.as_bytes())).unwrap();
    }
}
