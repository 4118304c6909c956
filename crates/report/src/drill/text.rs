//! A drill as plain text.

use std::fmt::Write as _;

use measure::drill::{DrillResult, ExpiryRecord, FailoverRecord, SurvivalRecord};

use super::{DrillReport, Rule};
use crate::number::{count, short, time};

/// The whole of it.
#[must_use]
pub fn render(report: &DrillReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = survival(report, &mut out);
    let _ = by_replica(report, &mut out);
    let _ = confirmed(report, &mut out);
    let _ = expiry(report, &mut out);
    let _ = restarts(report, &mut out);
    let _ = prices(report, &mut out);
    let _ = races(report, &mut out);
    let _ = failovers(report, &mut out);
    let _ = claims(report, &mut out);
    for (title, sentences) in [("NOT AS DECLARED", &report.violations), ("SHOWS NOTHING", &report.void)] {
        if !sentences.is_empty() {
            let _ = writeln!(out, "\n{title}");
            sentences.iter().for_each(|sentence| out.push_str(&format!("  {sentence}\n")));
        }
    }
    let _ = took(report, &mut out);
    if !report.complete {
        out.push_str("\nStopped before the end.\n");
    }
    out
}

fn survived(ns: u64) -> String {
    if ns == 0 { "0".to_owned() } else { time(ns as f64) }
}

fn survival(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let Some(first) = report.cells(false).next() else { return Ok(()) };
    writeln!(
        out,
        "How long a stolen credential works after its end ({} trials a cell, {} replicas, lifetimes cut to {}; known to {})",
        first.trials,
        report.replicas,
        time(first.lifetime_ns as f64),
        time(first.resolution_ns as f64)
    )?;
    writeln!(
        out,
        "  {:20} {:16} {:8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>9} {:>5}",
        "design", "event", "stolen", "p50", "p99", "max", "declared", "accepted", "alarms", "noticed", "load"
    )?;
    report.cells(false).try_for_each(|cell| line(cell, out))?;
    let cut = report.cells(false).map(|cell| cell.subscriptions_cut).sum::<u64>();
    if cut > 0 {
        writeln!(out, "  {} subscriptions to the store were cut off meanwhile", count(cut))
    } else {
        Ok(())
    }
}

fn line(cell: &SurvivalRecord, out: &mut String) -> std::fmt::Result {
    let declared = cell.bound_ns.map_or_else(|| "never".to_owned(), survived);
    let noticed = if cell.alarms == 0 { "-".to_owned() } else { time(cell.noticed_ns.p50 as f64) };
    let load = cell.server_load.map_or_else(|| "-".to_owned(), |load| format!("{:.0} %", load * 100.0));
    let mark = match (&cell.void, cell.within) {
        (Some(_), _) => "  shows nothing",
        (None, false) => "  NOT AS DECLARED",
        (None, true) if cell.ended == 0 => "  not noticed",
        (None, true) if cell.still_working > 0 => "  still working",
        (None, true) if cell.cannot > 0 => "  cannot",
        (None, true) => "",
    };
    writeln!(
        out,
        "  {:20} {:16} {:8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7} {:>9} {:>5}{mark}",
        cell.backend,
        cell.event.name(),
        cell.thief.name(),
        survived(cell.survival_ns.p50),
        survived(cell.survival_ns.p99),
        survived(cell.survival_ns.max),
        declared,
        count(cell.accepted_after),
        cell.alarms,
        noticed,
        load
    )
}

/// Where any replica let one in: the three figures of each replica.
fn by_replica(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let mut titled = false;
    for cell in report.cells(false).filter(|cell| cell.accepted_after > 0) {
        if !titled {
            writeln!(out, "\nThe same by replica: p50 / p99 / max, and requests let in")?;
            titled = true;
        }
        write!(out, "  {:20} {:16} {:8}", cell.backend, cell.event.name(), cell.thief.name())?;
        for replica in &cell.by_replica {
            let spread = replica.survival_ns;
            let times = [spread.p50, spread.p99, spread.max].map(survived).join(" / ");
            write!(out, "  {times} ({})", count(replica.accepted_after))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn confirmed(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    if report.cells(true).next().is_none() {
        return Ok(());
    }
    writeln!(out, "\nThe same with nothing shortened, against what the shortened cells foretell")?;
    for cell in report.cells(true) {
        line(cell, out)?;
    }
    for one in &report.confirmed {
        let rule = match one.rule {
            Rule::Never => "longest",
            Rule::Lifetime => "median, slack kept",
            Rule::Lag => "longest, share of the bound kept",
        };
        writeln!(
            out,
            "  {:20} {:16} {:8} {rule}: {} shortened foretells {}, measured {} (within {}){}",
            one.backend,
            one.event.name(),
            one.thief.name(),
            survived(one.scaled_ns),
            time(one.foretold_ns),
            survived(one.measured_ns),
            time(one.tolerance_ns),
            if one.agrees { ": agrees" } else { ": DIFFERS" }
        )?;
    }
    Ok(())
}

fn expiry(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let mut titled = false;
    let signed = |ns: i64| {
        let text = time(ns.unsigned_abs() as f64);
        if ns < 0 { format!("-{text}") } else { format!("+{text}") }
    };
    for result in &report.results {
        let DrillResult::Expiry(cell) = result else { continue };
        if !titled {
            writeln!(
                out,
                "\nAge at the last acceptance, less the configured lifetime (known to {})",
                time(cell.resolution_ns as f64)
            )?;
            writeln!(
                out,
                "  {:20} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10} {:>10} {:>10}",
                "design", "lifetime", "leeway", "made at", "used at", "least", "p50", "most", "explained"
            )?;
            titled = true;
        }
        writeln!(out, "{}", age(cell, &signed))?;
    }
    Ok(())
}

fn age(cell: &ExpiryRecord, signed: &dyn Fn(i64) -> String) -> String {
    let ages = match cell.ever_accepted {
        0 => ["never let in".to_owned(), String::new(), String::new()],
        _ => [cell.beyond_ns.min, cell.beyond_ns.p50, cell.beyond_ns.max].map(signed),
    };
    format!(
        "  {:20} {:>9} {:>9} {:>9} {:>9} {:>10} {:>10} {:>10} {:>10}{}",
        cell.backend,
        time(cell.lifetime_ns as f64),
        survived(cell.leeway_ns),
        signed(cell.issuer_offset_ns),
        signed(cell.verifier_offset_ns),
        ages[0],
        ages[1],
        ages[2],
        signed(cell.expected_ns),
        if cell.too_long() { "  TOO LONG" } else { "" }
    )
}

fn restarts(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let mut titled = false;
    for result in &report.results {
        let DrillResult::Restart(restart) = result else { continue };
        if !titled {
            writeln!(out, "\nReplicas restarted one after the other, while their users go on")?;
            titled = true;
        }
        let away = restart.away_ns.iter().max().copied().unwrap_or(0);
        writeln!(
            out,
            "  {:20} a replica is away for up to {}; {} of {} users had to log in again",
            restart.backend,
            time(away as f64),
            count(restart.logged_out),
            count(restart.users)
        )?;
        for (when, seen) in
            [("before", restart.before), ("meanwhile", restart.during), ("after", restart.after)]
        {
            writeln!(
                out,
                "    {when:10} {:>8} requests: {:>8} let in, {:>6} refused, {:>6} other answers, {:>6} sent on to the next replica, {:>6} lost",
                count(seen.requests),
                count(seen.accepted),
                count(seen.refused),
                count(seen.unavailable),
                count(seen.passed_over),
                count(seen.failed)
            )?;
        }
    }
    Ok(())
}

fn prices(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let mut titled = false;
    for result in &report.results {
        let line = match result {
            DrillResult::Price(price) => format!(
                "  {:20} grace {:>8}  {:24} {:>9.1} of 1,000 refreshes forced a login ({} of {}, {} refused)",
                price.backend,
                time(price.grace_ns as f64),
                price.habit,
                price.per_thousand(),
                count(price.forced_logouts),
                count(price.refreshes),
                count(price.refused)
            ),
            DrillResult::Theft(theft) => format!(
                "  {:20} grace {:>8}  thief {} behind, {:9} {} of {} got a token, {} noticed",
                theft.backend,
                time(theft.grace_ns as f64),
                theft.generations,
                if theft.within_grace { "within it" } else { "after it" },
                theft.granted,
                theft.thefts,
                theft.alarms
            ),
            _ => continue,
        };
        if !titled {
            writeln!(out, "\nWhat rotating refresh tokens costs an honest owner, and what it catches")?;
            titled = true;
        }
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn races(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let mut titled = false;
    for result in &report.results {
        let DrillResult::Resurrection(race) = result else { continue };
        if !titled {
            writeln!(out, "\nLogins that a write under way brought back after their logout")?;
            titled = true;
        }
        let per = if race.logouts == 0 { 0.0 } else { race.revived as f64 * 1e4 / race.logouts as f64 };
        writeln!(
            out,
            "  {:20} {} of {} logouts, {} per 10,000; {} writes beside them",
            race.backend,
            count(race.revived),
            count(race.logouts),
            short(per),
            count(race.writes)
        )?;
    }
    Ok(())
}

fn failovers(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let all = report.results.iter().filter_map(|result| match result {
        DrillResult::Failover(failover) => Some(failover),
        _ => None,
    });
    for (at, failover) in all.enumerate() {
        if at == 0 {
            writeln!(
                out,
                "\nWhat the loss of a master costs ({} operations/s, replaced after {}, deadline {})",
                failover.rate_per_s,
                time(failover.node_timeout_ns as f64),
                time(failover.deadline_ns as f64)
            )?;
            writeln!(
                out,
                "  {:16} {:9} {:8} {:>5} {:>15} {:>10} {:>9} {:>15} {:>15}",
                "design",
                "store",
                "loss",
                "wait",
                "not served",
                "recovered",
                "longest",
                "logouts undone",
                "logins lost"
            )?;
        }
        writeln!(out, "{}", failover_line(failover))?;
    }
    Ok(())
}

fn failover_line(failover: &FailoverRecord) -> String {
    let of = |part: u64, whole: u64| format!("{} of {}", count(part), count(whole));
    let (unserved, sent) = failover.unserved();
    let recovered = match failover.recovered_ns {
        None => "no".to_owned(),
        Some(0) => "0".to_owned(),
        Some(ns) => time(ns as f64),
    };
    let mark = if failover.void.is_some() { "  shows nothing" } else { "" };
    format!(
        "  {:16} {:9} {:8} {:>5} {:>15} {:>10} {:>9} {:>15} {:>15}{mark}",
        failover.backend,
        failover.topology.name(),
        failover.loss.name(),
        failover.wait,
        of(unserved, sent),
        recovered,
        time(failover.longest_ns as f64),
        of(failover.logouts_lost, failover.logouts),
        of(failover.logins_lost, failover.logins),
    )
}

fn claims(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    if report.claims.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nClaims")?;
    for claim in &report.claims {
        writeln!(out, "  {} {}: {}\n    {}", claim.id, claim.outcome.label(), claim.sentence, claim.detail)?;
    }
    Ok(())
}

/// What it was to take, and what it took.
fn took(report: &DrillReport, out: &mut String) -> std::fmt::Result {
    let Some(DrillResult::Took(took)) = report.results.last() else { return Ok(()) };
    let seconds = |ms: u64| time(ms as f64 * 1e6);
    let verdict = if took.total_ms <= took.budget_ms { "within" } else { "MORE THAN" };
    writeln!(
        out,
        "\nTook {}, {verdict} the {} computed beforehand: {} cells of {} designs {}, expiry {}, prices {}, logouts against writers {}, failovers {}, starts {}",
        seconds(took.total_ms),
        seconds(took.budget_ms),
        took.parts.cells,
        took.parts.designs,
        seconds(took.parts.survival_ms),
        seconds(took.parts.expiry_ms),
        seconds(took.parts.price_ms),
        seconds(took.parts.resurrection_ms),
        seconds(took.parts.failover_ms),
        seconds(took.parts.start_ms)
    )
}
