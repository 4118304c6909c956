//! From the readings of a fill to a law: bytes per login by a straight line, and what was given back.
//!
//! Growth counts as seen when the line rises, from the first size to the last, by more than twice what it misses its
//! farthest point by, and by more than comes and goes anyway. Tables double as they fill: the residual says how much.

use measure::memory::{Fill, MemoryRow as Measured, MemoryRun, Reading};
use stats::Line;

use crate::model::{Memory, MemoryAfter, MemoryFill, MemoryLine, MemoryPoint, MemoryRow};
use crate::number::six_digits as rounded;

/// The law of every row that `wanted` lets in; none where there is no such row. `build` is that of the report's recording.
#[must_use]
pub fn memory(run: &MemoryRun, build: Option<&str>, wanted: impl Fn(&str) -> bool) -> Option<Memory> {
    let rows: Vec<MemoryRow> = run.rows.iter().filter(|measured| wanted(&measured.name)).map(row).collect();
    let own = run.tool.binary_sha256.as_deref().filter(|hash| !hash.is_empty());
    (!rows.is_empty()).then(|| Memory {
        most_logins: f64::from(run.logins.last().copied().unwrap_or(0)),
        lifetime_ns: run.lifetime_ns as f64,
        complete: run.complete,
        same_build: own.is_some() && own == build,
        rows,
    })
}

fn row(measured: &Measured) -> MemoryRow {
    let file = measured.live.fresh.file_bytes.is_some();
    MemoryRow {
        row: measured.name.clone(),
        store: match &measured.store {
            Some(store) => store.version.clone(),
            None if file => "file".to_owned(),
            None => String::new(),
        },
        live: fill(&measured.live),
        ended: fill(&measured.ended),
    }
}

fn fill(fill: &Fill) -> MemoryFill {
    let server = line(fill, SERVER_NOISE, |reading| Some(reading.server_bytes));
    let store = line(fill, STORE_NOISE, Reading::kept_bytes);
    let taken = |now: u64, fresh: u64| now as f64 - fresh as f64;
    let point = |point: &measure::memory::FillPoint| MemoryPoint {
        logins: point.logins as f64,
        server_bytes: point.reading.server_bytes as f64,
        server_taken_bytes: taken(point.reading.server_bytes, fill.fresh.server_bytes),
        store_bytes: point.reading.kept_bytes().map(|bytes| bytes as f64),
        store_taken_bytes: point
            .reading
            .kept_bytes()
            .map(|bytes| taken(bytes, fill.fresh.kept_bytes().unwrap_or(0))),
    };
    MemoryFill {
        server,
        store,
        points: fill.points.iter().map(point).collect(),
        after: after(fill, server, store),
        failed: fill.failed.clone(),
    }
}

/// Growth below this is none, bytes: pages of a process come and go, an allocator keeps what a burst needed.
const SERVER_NOISE: f64 = 1_048_576.0;
/// The same of a store: its tables, its connections, and the live logins beside ended ones.
const STORE_NOISE: f64 = 262_144.0;

/// The line of one side.
fn line(fill: &Fill, noise: f64, of: impl Fn(&Reading) -> Option<u64>) -> Option<MemoryLine> {
    let point = |point: &measure::memory::FillPoint| Some((point.logins as f64, of(&point.reading)? as f64));
    let points: Vec<(f64, f64)> = fill.points.iter().filter_map(point).collect();
    let line = Line::through(&points).ok()?;
    let span = points.last()?.0 - points.first()?.0;
    let least = (2.0 * line.farthest).max(noise) / span;
    Some(MemoryLine {
        each_bytes: rounded(line.slope),
        base_bytes: rounded(line.base),
        residual_bytes: rounded(line.farthest),
        seen: line.slope > least,
        least_bytes: rounded(least),
    })
}

fn after(fill: &Fill, server: Option<MemoryLine>, store: Option<MemoryLine>) -> Option<MemoryAfter> {
    let (most, last) = (fill.points.last()?, fill.after.last()?);
    let left = |line: Option<MemoryLine>, of: &dyn Fn(&Reading) -> Option<u64>| {
        line.filter(|line| line.seen)?;
        let [fresh, most, now] = [&fill.fresh, &most.reading, &last.reading].map(|r| of(r).map(|b| b as f64));
        let (fresh, most, now) = (fresh?, most?, now?);
        // Less than before the first login: nothing is left.
        (most > fresh).then(|| rounded(((now - fresh) / (most - fresh)).max(0.0)))
    };
    Some(MemoryAfter {
        watched_ns: last.after_ns as f64,
        server_left_share: left(server, &|reading| Some(reading.server_bytes)),
        store_left_share: left(store, &Reading::kept_bytes),
    })
}

#[cfg(test)]
mod tests {
    use measure::memory::{AfterPoint, FillPoint};

    use super::*;

    fn reading(server_bytes: u64, store_bytes: u64) -> Reading {
        Reading { server_bytes, store_bytes: Some(store_bytes), ..Reading::default() }
    }

    /// 500 bytes a login in the store, nothing in the server but pages that come and go.
    fn filled(after: Reading) -> Fill {
        let sizes = [10_000, 20_000, 50_000, 100_000];
        let noise = [0, 40_960, 8_192, 36_864];
        let point = |(logins, noise): (u64, u64)| FillPoint {
            logins,
            elapsed_ns: 1,
            reading: reading(5_000_000 + noise, 1_000_000 + 500 * logins),
        };
        Fill {
            fresh: reading(5_000_000, 1_000_000),
            points: sizes.into_iter().zip(noise).map(point).collect(),
            after: vec![AfterPoint { after_ns: 7_000_000_000, reading: after }],
            failed: None,
        }
    }

    #[test]
    fn growth_is_a_slope_and_noise_is_none() {
        let found = fill(&filled(reading(5_000_000, 1_000_000)));
        let store = found.store.unwrap();
        assert!(store.seen && (store.each_bytes - 500.0).abs() < 1e-6 && store.residual_bytes < 1.0);
        assert_eq!(store.words(), "500 B");
        let server = found.server.unwrap();
        assert!(!server.seen && server.least_bytes < 12.0, "{server:?}");
        assert!(server.words().starts_with("< "), "{}", server.words());
        assert_eq!(found.each_bytes(), Some(store.each_bytes));
    }

    #[test]
    fn what_is_left_is_a_share_of_what_was_taken() {
        let after = fill(&filled(reading(5_100_000, 26_000_000))).after.unwrap();
        assert_eq!((after.server_left_share, after.store_left_share), (None, Some(0.5)));
        let none = fill(&filled(reading(0, 0))).after.unwrap();
        assert_eq!(none.store_left_share, Some(0.0));
    }

    #[test]
    fn two_sizes_make_no_law() {
        let mut two = filled(reading(0, 0));
        two.points.truncate(2);
        let found = fill(&two);
        assert_eq!((found.server, found.store), (None, None));
        assert_eq!(found.points.len(), 2);
    }
}
