//! The trace file: text, one step per line, so that other programs can read and write one.
//!
//! ```text
//! # authbench trace 1
//! # {"name":"cafe","subjects":1000,"devices":2,…}
//! 2104119<TAB>512<TAB>0<TAB>login
//! # end {"steps":1,"xxh3":"5b2c…"}
//! ```

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use super::{Operation, Step};
use crate::scenario::{Scenario, Workload};
use crate::units::HumanDuration;
use crate::wire::PasswordHash;

/// First line of a trace file, with the version of the format.
pub const MAGIC: &str = "# authbench trace 1";
/// Start of its last line.
pub(super) const END: &str = "# end ";

/// Second line of a trace file: what must be known before the first step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Kebab-case name.
    pub name: String,
    /// Subjects lie below this.
    pub subjects: u32,
    /// Devices lie below this.
    pub devices: u8,
    /// Devices of each subject that are logged in before the start.
    #[serde(default)]
    pub logged_in: u8,
    /// Revoked credentials known before the start, per million live ones.
    #[serde(default)]
    pub revoked_per_million: u32,
    /// Size of what a credential says about its subject, bytes.
    pub principal_bytes: u32,
    /// How logins check a password.
    pub password_hash: PasswordHash,
    /// Keep-alive connections.
    pub connections: u32,
    /// From intended start to giving up on an answer.
    pub deadline: HumanDuration,
    /// A user's own time runs so many times faster than the trace's: lifetimes are divided by it.
    #[serde(default = "life_size")]
    pub speed: f64,
    /// Seed that it was made from, where it was made from one.
    #[serde(default)]
    pub seed: u64,
    /// Length, where it is longer than the last step says.
    #[serde(default)]
    pub duration: Option<HumanDuration>,
}

fn life_size() -> f64 {
    1.0
}

/// Last line of a trace file: without it the file is incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Footer {
    /// Number of steps.
    pub(super) steps: u64,
    /// [`Digest`] of the steps. A file written by hand may leave it out.
    #[serde(default)]
    pub(super) xxh3: Option<String>,
}

/// Digest of steps: XXH3-128 over 14 bytes each (start, subject, device, operation; little-endian). It finds damage
/// and differences, not forgery.
#[derive(Clone, Default)]
pub struct Digest {
    hasher: Xxh3,
    steps: u64,
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({} steps, {})", self.steps, self.hex())
    }
}

impl Digest {
    /// Adds a step.
    pub fn add(&mut self, step: &Step) {
        let mut bytes = [0_u8; 14];
        bytes[..8].copy_from_slice(&step.intended_ns.to_le_bytes());
        bytes[8..12].copy_from_slice(&step.subject.to_le_bytes());
        bytes[12] = step.device;
        bytes[13] = step.operation as u8;
        self.hasher.update(&bytes);
        self.steps += 1;
    }

    /// Steps added so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// 32 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        format!("{:032x}", self.hasher.digest128())
    }
}

impl Header {
    /// The header for traces of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let speed = match &scenario.workload {
            Workload::Workday(load) => load.speed,
            Workload::Recorded(recorded) => recorded.header().speed,
            Workload::Stationary(_) | Workload::Cafe(_) => 1.0,
        };
        Self {
            name: scenario.name.clone(),
            subjects: scenario.population.subjects,
            devices: scenario.device_count(),
            logged_in: scenario.provision().map_or(0, |provision| provision.devices),
            revoked_per_million: scenario.population.revoked_per_million,
            principal_bytes: scenario.population.principal_bytes,
            password_hash: scenario.population.password_hash,
            connections: scenario.client.connections,
            deadline: scenario.client.deadline,
            speed,
            seed: scenario.seed,
            duration: Some(scenario.duration),
        }
    }
}

/// Writes a trace. Returns the digest of its steps.
pub fn write(out: impl Write, header: &Header, steps: impl Iterator<Item = Step>) -> io::Result<Digest> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    writeln!(out, "{MAGIC}\n# {}", serde_json::to_string(header)?)?;
    let mut digest = Digest::default();
    for step in steps {
        digest.add(&step);
        let Step { intended_ns, subject, device, operation } = step;
        writeln!(out, "{intended_ns}\t{subject}\t{device}\t{}", operation.name())?;
    }
    let footer = Footer { steps: digest.steps(), xxh3: Some(digest.hex()) };
    writeln!(out, "{END}{}", serde_json::to_string(&footer)?)?;
    out.flush()?;
    Ok(digest)
}

/// Writes a trace file: beside its final name first, so that an interrupted write leaves nothing under that name.
pub fn save(path: &Path, header: &Header, steps: impl Iterator<Item = Step>) -> io::Result<Digest> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = File::create(&partial).and_then(|file| {
        let digest = write(&file, header, steps)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
        Ok(digest)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

/// One line of steps. An error says what is wrong with it.
pub(super) fn parse_step(line: &[u8]) -> Result<Step, &'static str> {
    const SHAPE: &str = "expected nanoseconds, subject, device and operation, separated by tabs";
    let mut fields = line.split(|byte| *byte == b'\t');
    let mut number = |most: u64| {
        let digits = fields.next().filter(|field| !field.is_empty()).ok_or(SHAPE)?;
        let mut value = 0_u64;
        for digit in digits {
            let digit = match digit {
                b'0'..=b'9' => u64::from(digit - b'0'),
                _ => return Err(SHAPE),
            };
            value =
                value.checked_mul(10).and_then(|value| value.checked_add(digit)).ok_or("number too large")?;
        }
        if value > most { Err("number too large") } else { Ok(value) }
    };
    let intended_ns = number(u64::MAX)?;
    let subject = number(u64::from(u32::MAX))? as u32;
    let device = number(u64::from(u8::MAX))? as u8;
    let name = fields.next().ok_or(SHAPE)?;
    if fields.next().is_some() {
        return Err(SHAPE);
    }
    let operation = Operation::ALL.into_iter().find(|operation| operation.name().as_bytes() == name);
    Ok(Step { intended_ns, subject, device, operation: operation.ok_or("unknown operation")? })
}
