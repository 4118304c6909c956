//! Sends cases of the corpus and judges the answers.

use crate::case::{Case, Expect, Send};
use crate::http::{End, Exchange, Request};
use crate::outcome::Evidence;
use crate::probe::{Checked, Held, Probe, refresh_request};
use crate::template;

/// Messages longer than this may be answered by closing the connection before they are read.
const LONG: usize = 8 * 1024;

/// Sends those of `cases` that belong to a statement. Each gets fresh logins for the names it uses; a case that uses a
/// name which this backend has no credential for is left out.
pub(super) fn with_fresh_logins(probe: &mut Probe<'_>, statement: &str, cases: &[Case]) -> Checked {
    let (mut sent, mut odd) = (0, 0);
    for case in cases.iter().filter(|case| case.statement == statement) {
        let text = text_of(&case.send);
        let names = template::names(&text);
        let (held, other) = if names.is_empty() { (None, None) } else { (Some(probe.fresh()?), None) };
        let other = if names.iter().any(|name| name == "other") { Some(probe.fresh()?) } else { other };
        let host = probe.client.host().to_owned();
        let value = |name: &str| value_of(name, &host, held.as_ref(), other.as_ref());
        if names.iter().any(|name| value(name).is_none() && KNOWN.contains(&name.as_str())) {
            continue;
        }
        let exchange = send(probe, &case.send, &|text| template::fill(text, &value));
        sent += 1;
        odd += usize::from(!judged(probe, case, &exchange, held.as_ref()));
    }
    summed_up(probe, sent, odd);
    Ok(())
}

/// Sends those of `cases` that belong to a statement, which are tokens of `held`.
pub(super) fn tokens(probe: &mut Probe<'_>, statement: &str, held: &Held, cases: &[Case]) {
    let (mut sent, mut odd) = (0, 0);
    for case in cases.iter().filter(|case| case.statement == statement) {
        let exchange = send(probe, &case.send, &str::to_owned);
        sent += 1;
        odd += usize::from(!judged(probe, case, &exchange, Some(held)));
    }
    summed_up(probe, sent, odd);
}

fn summed_up(probe: &mut Probe<'_>, sent: usize, odd: usize) {
    if sent > 0 {
        let found = format!("{odd} of them not as expected");
        probe.fact(&format!("{sent} cases of the attack corpus"), found, "all as expected", odd == 0);
    }
}

const KNOWN: &[&str] = &["host", "credential", "id", "other", "access", "refresh", "username"];

fn value_of(name: &str, host: &str, held: Option<&Held>, other: Option<&Held>) -> Option<String> {
    match name {
        "host" => Some(host.to_owned()),
        "credential" => held.map(|held| held.line.clone()),
        "username" => held.map(|held| held.subject.clone()),
        "id" => held?.id.clone(),
        "access" => held?.access.clone(),
        "refresh" => held?.refresh_token().map(str::to_owned),
        "other" => other?.id.clone(),
        _ => None,
    }
}

/// Everything of a case that names may stand in.
fn text_of(send: &Send) -> String {
    match send {
        // A token holds no names: braces in it belong to an attack.
        Send::Bearer(_) => String::new(),
        Send::Headers(lines) => lines.join("\n"),
        Send::Refresh(form) => form.clone(),
        Send::Request(request) => {
            format!("{}\n{}\n{}", request.path, request.headers.join("\n"), request.body)
        }
        Send::Raw(raw) => raw.clone(),
    }
}

fn send(probe: &Probe<'_>, send: &Send, fill: &dyn Fn(&str) -> String) -> Exchange {
    match send {
        Send::Bearer(token) => {
            probe.client.request(&Request::new("GET", "/me").header(format!("Authorization: Bearer {token}")))
        }
        Send::Headers(lines) => {
            let request = Request::new("GET", "/me");
            probe.client.request(&lines.iter().map(|line| fill(line)).fold(request, Request::header))
        }
        Send::Refresh(form) => {
            let mut request = refresh_request("");
            request.body = fill(form);
            probe.client.request(&request)
        }
        Send::Request(request) => probe.client.request(&Request {
            method: request.method.clone(),
            path: fill(&request.path),
            headers: request.headers.iter().map(|line| fill(line)).collect(),
            body: fill(&request.body),
        }),
        Send::Raw(raw) => {
            let text = fill(raw);
            let behind = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
            probe.client.raw(text.replace("{length}", &behind.to_string()).into_bytes())
        }
    }
}

/// Notes a case that is not as expected; whether it is.
fn judged(probe: &mut Probe<'_>, case: &Case, exchange: &Exchange, held: Option<&Held>) -> bool {
    probe.case_sent();
    let wanted = match case.expect {
        Expect::Accept => accepts(exchange, held),
        Expect::Refuse => refuses(case, exchange),
    };
    let good = wanted.is_ok();
    if let Err(wanted) = wanted {
        let step = format!("{}: {} ({})", case.id, case.what, case.source);
        let evidence = Evidence::of(step, exchange, wanted, false);
        probe.push(evidence);
    }
    good
}

fn accepts(exchange: &Exchange, held: Option<&Held>) -> Result<(), &'static str> {
    let answer = exchange.answers.first().ok_or("an answer")?;
    if !answer.is_success() {
        return Err("accepted");
    }
    let subject = exchange.json()["subject"].as_str().map(str::to_owned);
    match (subject, held) {
        (Some(subject), Some(held)) if subject != held.subject => Err("accepted as its own subject"),
        _ => Ok(()),
    }
}

fn refuses(case: &Case, exchange: &Exchange) -> Result<(), &'static str> {
    if exchange.answers.iter().any(crate::http::Answer::is_success) {
        return Err("refused");
    }
    // 501 and 505 are refusals as well: nothing broke.
    if exchange.answers.iter().any(|answer| answer.status >= 500 && ![501, 505].contains(&answer.status)) {
        return Err("refused, not broken");
    }
    let may_close = matches!(case.send, Send::Raw(_)) || exchange.sent.len() > LONG;
    match (&exchange.end, exchange.answers.is_empty()) {
        (_, false) => Ok(()),
        (End::Closed | End::Broken(_), true) if may_close => Ok(()),
        (End::TimedOut, true) => Err("an answer in bounded time"),
        _ => Err("an answer"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::Answer;

    fn exchange(statuses: &[u16], end: End, body: &str) -> Exchange {
        let answer =
            |status: &u16| Answer { status: *status, headers: Vec::new(), body: body.as_bytes().to_vec() };
        Exchange {
            sent: Vec::new(),
            answers: statuses.iter().map(answer).collect(),
            end,
            took: Duration::ZERO,
        }
    }

    fn case(send: Send) -> Case {
        Case {
            id: "x/001".into(),
            statement: "J1".into(),
            what: String::new(),
            source: String::new(),
            expect: Expect::Refuse,
            policy: None,
            send,
        }
    }

    #[test]
    fn a_refusal_is_an_answer_that_is_neither_a_success_nor_a_break() {
        let token = case(Send::Bearer("x".into()));
        for (statuses, good) in [
            (&[401][..], true),
            (&[400], true),
            (&[501], true),
            (&[200], false),
            (&[204], false),
            (&[500], false),
            (&[503], false),
            (&[], false),
            (&[401, 200], false),
        ] {
            assert_eq!(refuses(&token, &exchange(statuses, End::Closed, "")).is_ok(), good, "{statuses:?}");
        }
        let raw = case(Send::Raw("x".into()));
        assert!(refuses(&raw, &exchange(&[], End::Closed, "")).is_ok());
        assert!(refuses(&raw, &exchange(&[], End::TimedOut, "")).is_err());
    }

    #[test]
    fn an_acceptance_is_one_of_the_right_subject() {
        let held = Held { subject: "u1".into(), line: String::new(), id: None, access: None, refresh: None };
        let of = |statuses: &[u16], body| accepts(&exchange(statuses, End::Quiet, body), Some(&held)).is_ok();
        assert!(of(&[200], r#"{"subject":"u1"}"#) && of(&[204], ""));
        assert!(!of(&[200], r#"{"subject":"u2"}"#) && !of(&[401], "") && !of(&[], ""));
    }
}
