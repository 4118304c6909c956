//! Which design is cheapest at which load: from the break-even lines of all pairs to the zones between them.

use crate::cost::{Cost, LOGINS, RATES, RowCost, ScenarioCost};
use crate::model::{Figure, Report, Row, Scenario, Sentence};
use crate::number;

use super::choices;

/// What readers may choose from, and who is cheapest where.
#[derive(Debug, Clone, PartialEq)]
pub struct Class<'a> {
    /// In words.
    pub title: &'static str,
    /// From the highest request rates to the lowest.
    pub zones: Vec<Zone<'a>>,
    /// The result.
    pub says: Sentence,
}

/// Where one design is the cheapest.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone<'a> {
    /// The design.
    pub row: &'a str,
    /// Where it ends, by live logins; empty where it is cheapest down to no requests at all.
    pub floor: Vec<Border<'a>>,
    /// A place well inside the zone, as logins and rate; absent where the zone is too small for a name.
    pub middle: Option<(f64, f64)>,
}

/// A point of a break-even line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Border<'a> {
    /// Live logins.
    pub logins: f64,
    /// Requests per second; without an interval the rounds do not agree on it.
    pub rate: Figure,
    /// Who is cheapest below.
    pub below: &'a str,
}

/// From the highest request rate down: a design, and where it ends.
type Walk<'a> = Vec<(&'a str, Option<Border<'a>>)>;

/// The classes in which there is a choice, the widest first; one with the same members as the one before is left out.
#[must_use]
pub fn zones<'a>(report: &'a Report, scenario: &Scenario, cost: &'a Cost) -> Vec<Class<'a>> {
    let Some(own) = cost.scenario(scenario.base()).filter(|own| own.measured_logins.is_some()) else {
        return Vec::new();
    };
    let all: Vec<&Row> = choices(report, scenario).into_iter().filter_map(|name| report.row(name)).collect();
    let shared = |row: &&Row| !row.is_node_local();
    let at_once = |row: &&Row| shared(row) && row.revocation_bound_ns == Some(0.0);
    let classes: [(&str, Vec<&Row>); 3] = [
        ("Among all designs", all.clone()),
        ("For several replicas", all.iter().copied().filter(|row| shared(row)).collect()),
        (
            "For several replicas, ending a login at once",
            all.iter().copied().filter(|row| at_once(row)).collect(),
        ),
    ];
    let mut members = 0;
    classes
        .into_iter()
        .filter(|(_, rows)| rows.len() > 1 && std::mem::replace(&mut members, rows.len()) != rows.len())
        .map(|(title, rows)| {
            let rows: Vec<&RowCost> = rows.iter().filter_map(|row| own.row(&row.name)).collect();
            let zones = of(own, &rows);
            let says = says(title, own, &rows);
            Class { title, zones, says }
        })
        .collect()
}

/// The envelope at every number of logins, joined to zones by neighbours.
fn of<'a>(own: &'a ScenarioCost, rows: &[&'a RowCost]) -> Vec<Zone<'a>> {
    let walks: Vec<(f64, Walk<'_>)> =
        LOGINS.iter().map(|&logins| (logins, walk(own, rows, logins))).collect();
    let mut order: Vec<&str> = Vec::new();
    for (row, _) in walks.iter().rev().flat_map(|(_, walk)| walk) {
        if !order.contains(row) {
            order.push(row);
        }
    }
    order.into_iter().map(|row| zone(row, &walks)).collect()
}

fn zone<'a>(row: &'a str, walks: &[(f64, Walk<'a>)]) -> Zone<'a> {
    let (low, high) = (RATES[0], RATES[RATES.len() - 1]);
    let mut floor = Vec::new();
    let mut roomiest: Option<(f64, f64, f64)> = None;
    for (logins, walk) in walks {
        let Some(at) = walk.iter().position(|(name, _)| *name == row) else { continue };
        let above = at
            .checked_sub(1)
            .and_then(|above| walk[above].1)
            .map_or(high, |border| border.rate.value.min(high));
        let below = walk[at].1.map_or(low, |border| border.rate.value.max(low));
        floor.extend(walk[at].1);
        let room = libm::log(above / below);
        if roomiest.is_none_or(|(most, _, _)| room > most + 1e-9) {
            roomiest = Some((room, *logins, libm::sqrt(above * below)));
        }
    }
    // A name needs about a third of a power of ten.
    let middle = roomiest.filter(|(room, _, _)| *room > 0.9).map(|(_, logins, rate)| (logins, rate));
    Zone { row, floor, middle }
}

/// From the highest rate down: who is cheapest, and the rate below which the next one is. As cost is a constant plus a
/// share of what stands there, two designs cross once at most.
fn walk<'a>(own: &ScenarioCost, rows: &[&'a RowCost], logins: f64) -> Walk<'a> {
    let standing = |row: &RowCost| {
        let curve = row.curves.iter().find(|curve| curve.logins == logins);
        curve.and_then(|curve| curve.per_million.first()).map_or(f64::INFINITY, |f| f.value)
    };
    let cheaper = |a: &&&RowCost, b: &&&RowCost| {
        let many = a.per_request_part.value.total_cmp(&b.per_request_part.value);
        many.then(standing(a).total_cmp(&standing(b)))
    };
    let Some(mut now) = rows.iter().min_by(cheaper).copied() else { return Vec::new() };
    let mut limit = f64::INFINITY;
    let mut walk = Vec::new();
    while walk.len() < rows.len() {
        let crossing = |other: &&'a RowCost| {
            let pair = own.break_even.iter().find(|pair| {
                (pair.first == now.row && pair.second == other.row)
                    || (pair.first == other.row && pair.second == now.row)
            })?;
            let rate = pair.points.iter().find(|point| point.logins == logins)?.rate?;
            (rate.value < limit).then_some((*other, rate))
        };
        let next = rows.iter().filter_map(crossing).max_by(|a, b| a.1.value.total_cmp(&b.1.value));
        let border = next.map(|(other, rate)| Border { logins, rate, below: other.row.as_str() });
        walk.push((now.row.as_str(), border));
        let Some((other, rate)) = next else { break };
        (now, limit) = (other, rate.value);
    }
    walk
}

/// Who is cheapest, and where that changes: at the number of logins in the middle of the field.
fn says(title: &str, own: &ScenarioCost, rows: &[&RowCost]) -> Sentence {
    let logins = LOGINS[LOGINS.len() / 2];
    let sentence = Sentence::new()
        .text(title)
        .text(", with ")
        .figure(number::grouped(logins, 0), logins)
        .text(" live logins: ");
    // What lies below the field is not told.
    let mut walk = walk(own, rows, logins);
    let seen =
        walk.iter().take_while(|(_, border)| border.is_some_and(|border| border.rate.value >= RATES[0]));
    let seen = seen.count() + 1;
    walk.truncate(seen);
    if let Some(last) = walk.last_mut() {
        last.1 = None;
    }
    let last = walk.len().saturating_sub(1);
    walk.into_iter().enumerate().fold(sentence, |sentence, (i, (row, border))| {
        let sentence = sentence.name(row);
        match border.map(|border| border.rate) {
            Some(rate) => {
                let resolved = rate.interval().is_some();
                sentence.text(" is cheapest above ").figure(number::short(rate.value), rate.value).text(
                    if resolved { " requests a second, " } else { " requests a second (not resolved), " },
                )
            }
            None if i == 0 => sentence.text(" is cheapest at every request rate shown."),
            None if i == last => sentence.text(" below."),
            None => sentence,
        }
    })
}
