//! The `view` of a check and the settings that go with it.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;

use super::{MAX_LIFETIME_MS, Parsed, duration_ms, refuse, unknown};
use crate::mechanism::raw::RawCheck;
use crate::mechanism::{CheckChoice, CheckKind, CredentialChoice, Mechanism, RenewalChoice, View};

/// Answers that a cache keeps unless the file says otherwise.
const DEFAULT_ENTRIES: u32 = 100_000;

/// The smallest and the largest cache, answers: a shard of it holds one at least, and all of it fits in memory.
const ENTRIES: RangeInclusive<u32> = 32..=100_000_000;

/// One false alarm in so many unless the file says otherwise: 14.4 bits for each entry (n ln p / ln² 2).
const DEFAULT_ONE_IN: u32 = 1000;

/// More often than every second time a filter is of no use; more seldom than this its size grows for nothing.
const ONE_IN: RangeInclusive<u32> = 2..=1_000_000_000;

/// Reads the view of a check; a setting of another view is refused.
pub(super) fn read(raw: &RawCheck) -> Parsed<View> {
    let name = raw.view.get_ref().as_str();
    let wanted: &[&str] = match name {
        "store" | "local" => &[],
        "authority" if raw.kind.get_ref() == "status-bit" => &["ttl"],
        "cached" | "authority" => &["ttl", "entries"],
        "polled" => &["interval", "tolerance"],
        "pushed" => &["heartbeat", "tolerance"],
        "filter" => &["interval", "tolerance", "confirm", "one_in"],
        _ => return Err(unknown("mechanism.checks.view", &raw.view, &View::NAMES)),
    };
    let given = [
        ("ttl", span(&raw.ttl)),
        ("entries", span(&raw.entries)),
        ("interval", span(&raw.interval)),
        ("heartbeat", span(&raw.heartbeat)),
        ("tolerance", span(&raw.tolerance)),
        ("confirm", span(&raw.confirm)),
        ("one_in", span(&raw.one_in)),
    ];
    for (key, at) in given {
        if at.is_some() && !wanted.contains(&key) {
            return Err(refuse(
                &format!("mechanism.checks.{key}"),
                at,
                &format!("a view of kind `{name}` has no `{key}`"),
                "remove it, or choose the view it belongs to (scenarios/README.md)",
            ));
        }
    }
    Ok(match name {
        "cached" => View::Cached {
            ttl_ms: required(raw, "ttl", &raw.ttl)?,
            entries: number("entries", &raw.entries, DEFAULT_ENTRIES, ENTRIES)?,
        },
        "polled" => View::Polled {
            interval_ms: required(raw, "interval", &raw.interval)?,
            tolerance_ms: required(raw, "tolerance", &raw.tolerance)?,
        },
        "pushed" => View::Pushed {
            heartbeat_ms: required(raw, "heartbeat", &raw.heartbeat)?,
            tolerance_ms: required(raw, "tolerance", &raw.tolerance)?,
        },
        "filter" => View::Filter {
            interval_ms: required(raw, "interval", &raw.interval)?,
            tolerance_ms: required(raw, "tolerance", &raw.tolerance)?,
            confirm: confirm(raw)?,
            one_in: number("one_in", &raw.one_in, DEFAULT_ONE_IN, ONE_IN)?,
        },
        "authority" => View::Authority {
            ttl_ms: if is_zero(raw) { 0 } else { required(raw, "ttl", &raw.ttl)? },
            entries: number("entries", &raw.entries, DEFAULT_ENTRIES, ENTRIES)?,
        },
        "local" => View::Local,
        _ => View::Store,
    })
}

/// Refuses a view that cannot serve this check.
pub(super) fn fits(mechanism: &Mechanism, check: CheckChoice, span: Option<Range<usize>>) -> Parsed<()> {
    let key = "mechanism.checks.view";
    if check.kind == CheckKind::LiveList && check.view.follows_the_log() {
        return Err(refuse(
            key,
            span,
            "the log tells what was ended, and a live list is about what was not",
            "use `view = \"store\"` or `view = \"cached\"`",
        ));
    }
    let asks = matches!(check.view, View::Store | View::Local);
    if check.kind == CheckKind::UserRow && !asks {
        return Err(refuse(
            key,
            span,
            "a user's row is read to see a change at once, and what is kept of it here is not told of changes",
            "use `view = \"store\"`, or the check `epoch`",
        ));
    }
    if matches!(mechanism.renewal, RenewalChoice::Sliding { .. }) && !asks {
        return Err(refuse(
            key,
            span,
            "a request that prolongs its login must reach the store",
            "use `view = \"store\"`, or remove `[mechanism.renewal]`",
        ));
    }
    if mechanism.write_checks.contains(&check) && !mechanism.checks.contains(&check) && !asks {
        return Err(refuse(
            key,
            span,
            "what only writes check is read from the store",
            "use `view = \"store\"`",
        ));
    }
    let opaque = matches!(mechanism.credential, CredentialChoice::Opaque { .. });
    let asked = (opaque && check.kind == CheckKind::LiveList) || check.kind == CheckKind::StatusBit;
    if matches!(check.view, View::Authority { .. }) && !asked {
        return Err(refuse(
            key,
            span,
            "an authority is asked about an opaque id, or for a status list",
            "use `kind = \"opaque\"` in `[mechanism.credential]`, the check `status-bit`, or another view",
        ));
    }
    let listed = matches!(mechanism.credential, CredentialChoice::Jwt(_))
        && matches!(check.view, View::Authority { ttl_ms: 1.., .. })
        && mechanism.checks.len() == 1
        && mechanism.write_checks.is_empty()
        && mechanism.renewal == RenewalChoice::None;
    if check.kind == CheckKind::StatusBit && !listed {
        return Err(refuse(
            key,
            span,
            "a status list is fetched from an authority now and then, and nothing else is checked with it",
            "use `kind = \"jwt\"` without renewal, `view = \"authority\"` with a `ttl`, and no other check",
        ));
    }
    let alone = check.kind == CheckKind::DenyList && mechanism.checks.len() == 1;
    if matches!(check.view, View::Filter { .. }) && !alone {
        return Err(refuse(
            key,
            span,
            "a filter knows whether a token was ended and nothing else",
            "keep `kind = \"deny-list\"` as the only check, with `index = true` to end all logins of a user",
        ));
    }
    Ok(())
}

/// Whether nothing is to be kept at all.
fn is_zero(raw: &RawCheck) -> bool {
    raw.ttl.as_ref().is_some_and(|ttl| duration_ms("mechanism.checks.ttl", ttl) == Ok(0))
}

/// A duration of at least one millisecond that must be there.
fn required(raw: &RawCheck, name: &str, value: &Option<Spanned<String>>) -> Parsed<u64> {
    let key = format!("mechanism.checks.{name}");
    let Some(text) = value else {
        return Err(refuse(
            &key,
            Some(raw.view.span()),
            &format!("missing key `{name}`"),
            &format!("add e.g. `{name} = \"1s\"`: it is part of how far this view may be behind the store"),
        ));
    };
    let millis = duration_ms(&key, text)?;
    if !(1..=MAX_LIFETIME_MS).contains(&millis) {
        return Err(refuse(&key, Some(text.span()), "out of range", "use between \"1ms\" and \"3650d\""));
    }
    Ok(millis)
}

/// A whole number within bounds.
fn number(
    name: &str,
    value: &Option<Spanned<u32>>,
    default: u32,
    bounds: RangeInclusive<u32>,
) -> Parsed<u32> {
    match value {
        None => Ok(default),
        Some(number) if bounds.contains(number.get_ref()) => Ok(*number.get_ref()),
        Some(number) => Err(refuse(
            &format!("mechanism.checks.{name}"),
            Some(number.span()),
            &format!(
                "out of range: {} is not between {} and {}",
                number.get_ref(),
                bounds.start(),
                bounds.end()
            ),
            &format!("leave it out for {default}"),
        )),
    }
}

/// Whether alarms are confirmed: a default would hide that the other choice refuses live logins.
fn confirm(raw: &RawCheck) -> Parsed<bool> {
    raw.confirm.as_ref().map(|confirm| *confirm.get_ref()).ok_or_else(|| {
        refuse(
            "mechanism.checks.confirm",
            Some(raw.view.span()),
            "missing key `confirm`",
            "add `confirm = true` (look alarms up in the store) or `false` (refuse at every alarm)",
        )
    })
}

fn span<T>(value: &Option<Spanned<T>>) -> Option<Range<usize>> {
    value.as_ref().map(Spanned::span)
}
