//! The cost model: known answers, properties, and a recording whose truth is known.

#![expect(clippy::unwrap_used, reason = "test code")]

mod support;

use std::path::Path;

use proptest::prelude::*;
use report::cost::formula::{
    Crossing, Load, Usage, crossing, per_million, per_request_part, standing_per_hour,
};
use report::cost::{BreakEvenPoint, Cost, csv, of};
use report::prices::{PriceSheet, Resource};
use support::{STANDARD, Shape, recording, sheet};

const SHIPPED: &str = include_str!("../../../scenarios/prices/cloud-2026-06.toml");

/// The shipped sheet without prices but these.
fn only(resources: &[Resource]) -> PriceSheet {
    let mut sheet = sheet();
    let free = |resource: Resource| !resources.contains(&resource);
    if free(Resource::AppVcpuHour) {
        sheet.prices.app_vcpu_hour.price = 0.0;
    }
    for (resource, price) in [
        (Resource::AppGibHour, &mut sheet.prices.app_gib_hour),
        (Resource::StoreMillionUnits, &mut sheet.prices.store_million_units),
        (Resource::StoreGibHour, &mut sheet.prices.store_gib_hour),
    ] {
        if free(resource) {
            *price = None;
        }
    }
    sheet
}

fn near(value: f64, expected: f64) {
    assert!((value / expected - 1.0).abs() < 0.005, "{value} is not {expected}");
}

const LOAD: Load = Load { rate: 100.0, logins: 0.0, replicas: 1 };

#[test]
fn sixty_microseconds_of_cpu_cost_a_tenth_of_a_cent_per_million() {
    let usage = Usage { app_cpu_s: 60e-6, ..Usage::default() };
    // 10⁶ · 60 µs = 60 s; at 60 % of a vCPU 100 s; 100/3600 h · $0.04048.
    near(per_million(&usage, LOAD, &only(&[Resource::AppVcpuHour])), 0.001_124_4);
}

#[test]
fn one_small_read_costs_one_unit() {
    let usage = Usage { store_commands: 1.0, store_bytes: 360.0, has_store: true, ..Usage::default() };
    let sheet = only(&[Resource::StoreMillionUnits]);
    near(per_million(&usage, LOAD, &sheet), 0.0023);
    let large = Usage { store_bytes: 2_500.0, ..usage };
    near(per_million(&large, LOAD, &sheet), 2.5 * 0.0023);
}

#[test]
fn a_million_sessions_cost_less_per_request_the_more_requests_there_are() {
    let usage = Usage { store_bytes_per_login: 500.0, has_store: true, ..Usage::default() };
    let sheet = only(&[Resource::StoreGibHour]);
    let at = |rate: f64| per_million(&usage, Load { rate, logins: 1e6, replicas: 1 }, &sheet);
    // 500 MB = 0.4657 GiB · $0.084 = $0.0391 an hour; at 100/s an hour has 0.36 million requests.
    near(at(100.0), 0.108_7);
    near(at(10_000.0), 0.001_087);
}

#[test]
fn a_small_store_is_metered_at_the_minimum_and_no_store_at_nothing() {
    let sheet = only(&[Resource::StoreGibHour]);
    let small = Usage { store_bytes_per_login: 1.0, has_store: true, ..Usage::default() };
    near(standing_per_hour(&small, 10.0, 1, &sheet), 0.1 * 0.084);
    assert_eq!(standing_per_hour(&Usage::default(), 1e9, 1, &sheet), 0.0);
}

#[test]
fn nodes_come_whole() {
    let text = SHIPPED
        .replace("store_minimum_gib = 0.1", "store_node_gib = 2.0\nstore_nodes = 2")
        .replace("[prices.store_gib_hour]", "[prices.store_node_hour]");
    let units = text.find("[prices.store_million_units]").unwrap();
    let end = units + text[units..].find("\n\n").unwrap();
    let sheet =
        PriceSheet::parse(Path::new("nodes"), &format!("{}{}", &text[..units], &text[end..])).unwrap();
    let usage = Usage { store_bytes_per_login: 1_073_741_824.0, has_store: true, ..Usage::default() };
    for (gib, nodes) in [(0.0, 2.0), (3.9, 2.0), (4.1, 3.0), (9.0, 5.0)] {
        near(standing_per_hour(&usage, gib, 1, &sheet), nodes * 0.084);
    }
}

#[test]
fn where_two_designs_cost_the_same() {
    // A token costs more per request, a session stands there: the token wins below the break-even and loses above.
    let token = Usage { app_cpu_s: 120e-6, ..Usage::default() };
    let session =
        Usage { app_cpu_s: 60e-6, store_bytes_per_login: 500.0, has_store: true, ..Usage::default() };
    let sheet = only(&[Resource::AppVcpuHour, Resource::StoreGibHour]);
    let Crossing::At { rate, second_above } = crossing((&token, 1), (&session, 1), 1e6, &sheet) else {
        panic!("they cross")
    };
    assert!(second_above, "the session is cheaper above");
    // $0.0391/h · 10⁶/3600 / $0.0011244
    near(rate, 9_665.0);
    let swapped = crossing((&session, 1), (&token, 1), 1e6, &sheet);
    assert_eq!(swapped, Crossing::At { rate, second_above: false });
    let cheap_token = Usage { app_cpu_s: 10e-6, ..Usage::default() };
    assert_eq!(crossing((&cheap_token, 1), (&session, 1), 1e6, &sheet), Crossing::First);
    assert_eq!(crossing((&session, 1), (&cheap_token, 1), 1e6, &sheet), Crossing::Second);
    assert_eq!(crossing((&token, 1), (&token, 1), 1e6, &sheet), Crossing::Everywhere);
}

fn usages() -> impl Strategy<Value = Usage> {
    let amount = || 0.0_f64..1e4;
    (
        1e-7_f64..1e-2,
        0.0_f64..1e-2,
        amount(),
        amount(),
        0.0_f64..20.0,
        0.0_f64..1e9,
        amount(),
        amount(),
        any::<bool>(),
    )
        .prop_map(
            |(
                app_cpu_s,
                store_cpu_s,
                egress_bytes,
                store_bytes,
                store_commands,
                app,
                per,
                data,
                has_store,
            )| Usage {
                app_cpu_s,
                store_cpu_s,
                egress_bytes,
                store_bytes,
                store_commands,
                app_bytes: app,
                app_bytes_per_login: per,
                store_bytes_per_login: data,
                has_store,
            },
        )
}

proptest! {
    #[test]
    fn the_curve_is_its_two_parts_and_falls_with_the_rate(
        usage in usages(), rate in 1e-3_f64..1e6, logins in 0.0_f64..1e9, replicas in 1_u32..100, more in 1.0_f64..1e3,
    ) {
        let sheet = sheet();
        let load = Load { rate, logins, replicas };
        let whole = per_million(&usage, load, &sheet);
        let request = per_request_part(&usage, &sheet);
        let standing = standing_per_hour(&usage, logins, replicas, &sheet);
        prop_assert!(whole.is_finite() && whole >= request && request > 0.0 && standing >= 0.0);
        prop_assert!((whole - (request + standing * 1e6 / 3_600.0 / rate)).abs() <= whole * 1e-9);
        let faster = per_million(&usage, Load { rate: rate * more, ..load }, &sheet);
        let fuller = per_million(&usage, Load { logins: logins * more, ..load }, &sheet);
        prop_assert!(faster <= whole * (1.0 + 1e-12) && fuller >= whole * (1.0 - 1e-12));
    }

    #[test]
    fn at_the_break_even_both_cost_the_same_and_beside_it_the_named_one_less(
        a in usages(), b in usages(), logins in 0.0_f64..1e8,
    ) {
        let sheet = sheet();
        let at = |usage: &Usage, rate: f64| per_million(usage, Load { rate, logins, replicas: 1 }, &sheet);
        match crossing((&a, 1), (&b, 1), logins, &sheet) {
            Crossing::At { rate, second_above } => {
                // Far out, the difference drowns in rounding.
                prop_assume!((1e-6..1e9).contains(&rate));
                prop_assert!((at(&a, rate) / at(&b, rate) - 1.0).abs() < 1e-6);
                prop_assert_eq!(at(&b, rate * 2.0) <= at(&a, rate * 2.0), second_above);
                prop_assert_eq!(at(&a, rate / 2.0) <= at(&b, rate / 2.0), second_above);
            }
            Crossing::First => prop_assert!(at(&a, 100.0) <= at(&b, 100.0) * (1.0 + 1e-12)),
            Crossing::Second => prop_assert!(at(&b, 100.0) <= at(&a, 100.0) * (1.0 + 1e-12)),
            Crossing::Everywhere => prop_assert_eq!(at(&a, 100.0), at(&b, 100.0)),
        }
    }
}

const SHORT: Shape = Shape { rounds: 12, ..STANDARD };

fn priced(shape: Shape) -> Cost {
    let folder = tempfile::tempdir().unwrap();
    of(&recording(folder.path(), shape), &sheet(), None)
}

#[test]
fn a_recording_is_priced_as_its_truth_says() {
    let cost = priced(SHORT);
    let steady = cost.scenario("steady").unwrap();
    assert_eq!((steady.measured_rate, steady.measured_logins), (1_500.0, Some(20_000.0)));
    let stateless = steady.row("jwt-stateless").unwrap();
    assert!(
        stateless.items.iter().all(|item| !item.resource.key().starts_with("store")),
        "{:?}",
        stateless.items
    );
    let redis = steady.row("session-redis").unwrap();
    let item = |resource| redis.items.iter().find(|item| item.resource == resource).unwrap();
    near(item(Resource::StoreMillionUnits).cost, 0.0023);
    // 20,000 · 745 bytes are less than the minimum of 0.1 GiB; 1,500/s are 5.4 million requests an hour.
    near(item(Resource::StoreGibHour).cost, 0.1 * 0.084 / 5.4);
    let sum: f64 = redis.items.iter().map(|item| item.cost).sum();
    near(redis.per_million.value, sum);
    let (low, high) = redis.per_million.interval().unwrap();
    assert!(low < redis.per_million.value && redis.per_million.value < high);
    let over = stateless.over_baseline_per_million.unwrap();
    assert!(over.upper() < 0.0, "a token without a store is cheaper here: {over:?}");
    assert_eq!(redis.over_baseline_per_million, None);
    assert!(redis.added_per_million.unwrap().lower() > 0.0);
}

#[test]
fn memory_grows_with_logins_only_where_they_are_kept() {
    let cost = priced(SHORT);
    let steady = cost.scenario("steady").unwrap();
    let at = |row: &str, logins: f64| {
        let curve = steady.row(row).unwrap().curves.iter().find(|curve| curve.logins == logins).unwrap();
        (curve.per_million[0].value, curve.extrapolated)
    };
    assert_eq!(at("jwt-stateless", 1e3).0, at("jwt-stateless", 1e7).0);
    for row in ["session-redis", "session-memory"] {
        assert!(at(row, 1e7).0 > 5.0 * at(row, 1e4).0, "{row}");
        assert!(at(row, 1e7).1 && !at(row, 1e4).1);
    }
    let sizing = |row: &str| &steady.row(row).unwrap().sizing;
    near(sizing("session-redis").store_bytes_per_100k.unwrap().value, 74.5e6);
    let local = sizing("session-memory").app_bytes_per_100k.unwrap().value;
    assert!((local / 61.1e6 - 1.0).abs() < 0.1, "{local}");
    assert_eq!(sizing("jwt-stateless").app_bytes_per_100k, None);
    let carried = sizing("session-redis").requests_per_vcpu.value;
    assert!((carried / (0.6 / 30.6e-6) - 1.0).abs() < 0.1, "{carried}");
    assert!(
        sizing("session-redis").sentence.to_string().starts_with("per vCPU at 60 %: "),
        "{}",
        sizing("session-redis").sentence
    );
}

#[test]
fn intervals_are_drawn_with_the_same_rounds_for_all() {
    let cost = priced(SHORT);
    let steady = cost.scenario("steady").unwrap();
    let (twin, baseline) = (steady.row("session-redis.twin").unwrap(), steady.row("session-redis").unwrap());
    let over = twin.over_baseline_per_million.unwrap();
    assert!(over.lower() < 0.0 && 0.0 < over.upper(), "a twin costs the same: {over:?}");
    let own = baseline.per_request_part;
    assert!(over.upper() - over.lower() < 2.0 * (own.upper() - own.lower()));
    assert_eq!(priced(SHORT), cost, "the same recording, the same intervals");
}

#[test]
fn break_even_lines_rise_with_logins() {
    let cost = priced(SHORT);
    let steady = cost.scenario("steady").unwrap();
    let pair = |first: &str, second: &str| {
        let found = steady.break_even.iter().find(|pair| pair.first == first && pair.second == second);
        &found.unwrap().points
    };
    // A session in the server's memory takes less CPU than a token and stands there: it wins where requests are many.
    let points = &pair("session-memory", "jwt-stateless")[2..];
    let rates: Vec<f64> = points.iter().map(|point| point.rate.unwrap().value).collect();
    assert!(rates.windows(2).all(|pair| 5.0 * pair[0] < pair[1]), "{rates:?}");
    for point in points {
        assert_eq!(point.cheaper_below.as_deref(), Some("jwt-stateless"), "{point:?}");
        assert_eq!(point.cheaper_above.as_deref(), Some("session-memory"), "{point:?}");
    }
    let always = pair("session-redis", "jwt-stateless");
    let never = |point: &BreakEvenPoint| {
        point.rate.is_none() && point.cheaper_below.as_deref() == Some("jwt-stateless")
    };
    assert!(always.iter().all(never), "{always:?}");
}

#[test]
fn the_csv_has_one_bill_per_row() {
    let cost = priced(Shape { rounds: 8, ..STANDARD });
    let text = csv::csv(Some(&cost));
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{text}");
    let column = |name: &str| lines[0].iter().position(|head| *head == name).unwrap();
    let rows = &cost.scenario("steady").unwrap().rows;
    for row in rows {
        let own = || lines.iter().filter(|line| line[column("ResourceId")] == row.row);
        let sku = |line: &&Vec<&str>| line[column("SkuId")] == "total";
        let total: f64 = own().find(sku).unwrap()[column("ListCost")].parse().unwrap();
        let sum: f64 = own().filter(|l| !sku(l)).map(|l| l[column("ListCost")].parse::<f64>().unwrap()).sum();
        near(sum, total);
    }
    assert_eq!(text.matches(",total,").count(), rows.len());
}

#[test]
fn every_amount_follows_from_what_the_report_says_of_a_row() {
    let cost = priced(Shape { rounds: 8, ..STANDARD });
    let steady = cost.scenario("steady").unwrap();
    for row in &steady.rows {
        for curve in &row.curves {
            for (&rate, figure) in curve.rates.iter().zip(&curve.per_million) {
                let load = Load { rate, logins: curve.logins, replicas: row.replicas };
                let again = per_million(&row.usage, load, &sheet());
                assert!((again / figure.value - 1.0).abs() < 1e-5, "{}: {again}, {figure:?}", row.row);
            }
        }
    }
    let text = csv::curves(Some(&cost));
    let points: usize = steady.rows.iter().flat_map(|row| &row.curves).map(|curve| curve.rates.len()).sum();
    assert_eq!(text.lines().count(), points + 1);
    assert_eq!(csv::curves(None).lines().count(), 1);
}

#[test]
fn the_cheapest_has_no_dearer_side() {
    let cost = priced(SHORT);
    let rows = &cost.scenario("steady").unwrap().rows;
    let least = rows
        .iter()
        .filter(|row| row.row != "none")
        .map(|row| row.per_million.value)
        .reduce(f64::min)
        .unwrap();
    for row in rows {
        let control = row.row == "none" || row.row.contains('.');
        match row.over_cheapest_per_million {
            None => assert!(control || row.per_million.value == least, "{}", row.row),
            Some(over) => {
                assert!((row.per_million.value - least - over.value).abs() < 1e-7 && !control, "{over:?}");
            }
        }
    }
}
