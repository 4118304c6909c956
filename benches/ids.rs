//! Are issued ids unique, and do they look random?
//!
//! Issues session ids, token ids and refresh tokens through the library, over memory, and looks for one that comes twice,
//! for a share of ones other than a half (NIST SP 800-22 §2.1) and for bits that change too often or too seldom (§2.3).
//!
//! ```text
//! cargo run --release -p benches --example ids [COUNT]
//! ```
//!
//! 1,000,000 ids of each kind by default. Exit code 1 when one comes twice or a test gives p < 1e-6, which random bits do
//! once in a million runs.

use std::collections::HashSet;
use std::io::{self, Write};
use std::process::ExitCode;

use auth::{Account, Grant};
use benches::backends::{NOW, Subject, at_once, file, principal};
use conformance::randomness::Bits;
use conformance::token;

/// Logins per backend: each batch has a store of its own, so that memory does not grow with the count.
const BATCH: u32 = 20_000;
const CHANCE: f64 = 1e-6;

/// The bytes of the id in a credential.
type IdOf = fn(&Grant) -> Option<Vec<u8>>;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let count = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse::<u32>());
    let Ok(count) = count else {
        let _ = writeln!(io::stderr(), "usage: ids [COUNT]");
        return ExitCode::from(2);
    };
    match look(count) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "ids: {error}");
            ExitCode::FAILURE
        }
    }
}

/// All kinds of ids; whether every one passes.
fn look(count: u32) -> Outcome<bool> {
    let mut out = io::stdout().lock();
    let mut all = true;
    let kinds: [(&str, &str, IdOf); 3] = [
        ("session ids", "session-memory", session_id),
        ("token ids (jti)", "jwt-stateless", token_id),
        ("refresh tokens", "jwt-refresh", refresh_token),
    ];
    for (what, backend, of) in kinds {
        let mut seen = HashSet::with_capacity(count as usize);
        let mut bits = Bits::default();
        let mut issued = 0;
        while issued < count {
            let text = file(backend);
            let subject = Subject::in_memory(&text)?;
            let batch = BATCH.min(count - issued);
            let principals: Vec<_> = (0..batch).map(principal).collect();
            let accounts: Vec<_> = principals.iter().map(|principal| Account { principal }).collect();
            for grant in at_once(subject.backend.provision(&accounts, NOW))? {
                let id = of(&grant).ok_or("a credential without an id of this kind")?;
                bits.add(&id);
                seen.insert(id);
            }
            issued += batch;
        }
        let repeated = issued as usize - seen.len();
        let (monobit, runs) = (bits.monobit(), bits.runs());
        let good = repeated == 0 && monobit >= CHANCE && runs >= CHANCE;
        all &= good;
        writeln!(
            out,
            "{what}: {issued} issued, {repeated} twice, {} bits, monobit p = {monobit:.4}, runs p = {runs:.4}: {}",
            bits.count(),
            if good { "good" } else { "NOT GOOD" }
        )?;
    }
    Ok(all)
}

fn session_id(grant: &Grant) -> Option<Vec<u8>> {
    match grant {
        Grant::Cookie { value, .. } => token::decode(value),
        _ => None,
    }
}

fn token_id(grant: &Grant) -> Option<Vec<u8>> {
    let Grant::Tokens { access, .. } = grant else { return None };
    let claims: serde_json::Value =
        serde_json::from_slice(&token::decode(access.split('.').nth(1)?)?).ok()?;
    token::decode(claims["jti"].as_str()?)
}

fn refresh_token(grant: &Grant) -> Option<Vec<u8>> {
    match grant {
        Grant::Tokens { refresh: Some(refresh), .. } => token::decode(refresh),
        _ => None,
    }
}
