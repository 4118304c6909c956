//! Credentials that were changed, presented to the backend that gave them out: nobody may be let in with one.
//!
//! Keys and ids are drawn anew in every process, so that no input can hold a valid credential. The second five readers
//! take a change instead: which credential, where (two bytes), how many bytes are cut out there, what is put in.

use std::collections::HashSet;

use auth::{Access, Grant, Presented, Verdict};

use super::{Entry, for_reader, selected};
use crate::backends::{NOW, Subject, at_once, file};

const BACKENDS: [&str; 5] = ["jwt-stateless", "session-memory", "cookie-signed", "jwt-refresh", "jwt-minted"];

/// Logins whose credentials are inputs to begin with.
const LOGINS: usize = 4;

/// A backend and what it gave out.
struct Issuer {
    subject: Subject,
    /// What requests carry.
    known: HashSet<String>,
    /// That and what renews it, of some logins.
    given: Vec<String>,
}

pub(super) fn entry() -> Result<Entry, Box<dyn std::error::Error>> {
    let (mut issuers, mut seeds) = (Vec::new(), Vec::new());
    for (number, name) in BACKENDS.into_iter().enumerate() {
        let subject = Subject::in_memory(&file(name))?;
        let given: Vec<String> = subject.held.iter().take(LOGINS).flat_map(texts).collect();
        seeds.extend(given.iter().map(|text| for_reader(number, text.as_bytes())));
        seeds.push(for_reader(number + BACKENDS.len(), b"\x00\x00\x10\x01A"));
        let known = subject.held.iter().filter_map(|grant| texts(grant).into_iter().next()).collect();
        issuers.push(Issuer { subject, known, given });
    }
    let run = move |input: &[u8]| {
        let Some((number, rest)) = selected(input, 2 * issuers.len()) else { return Ok(()) };
        let issuer = &issuers[number % issuers.len()];
        let Some(text) = (if number < issuers.len() { Some(rest.to_vec()) } else { changed(issuer, rest) })
        else {
            return Ok(());
        };
        String::from_utf8(text).map_or(Ok(()), |text| present(issuer, &text))
    };
    Ok(Entry { name: "credentials", seeds, run: Box::new(run) })
}

/// What a request carries, then what renews it.
fn texts(grant: &Grant) -> Vec<String> {
    match grant {
        Grant::Cookie { value, .. } => vec![value.clone()],
        Grant::Tokens { access, refresh, .. } => [access].into_iter().chain(refresh).cloned().collect(),
        Grant::Minted { access, session, .. } => vec![access.clone(), session.clone()],
    }
}

/// A credential that was given out, with a piece of it replaced.
fn changed(issuer: &Issuer, change: &[u8]) -> Option<Vec<u8>> {
    let ([which, high, low, cut], put) = change.split_first_chunk::<4>()?;
    let mut text = issuer.given.get(usize::from(*which) % issuer.given.len())?.clone().into_bytes();
    let at = usize::from(u16::from_be_bytes([*high, *low])) % (text.len() + 1);
    let end = (at + usize::from(*cut)).min(text.len());
    text.splice(at..end, put.iter().copied());
    Some(text)
}

fn present(issuer: &Issuer, text: &str) -> Result<(), String> {
    let backend = &issuer.subject.backend;
    for presented in
        [Presented { cookie: Some(text), bearer: None }, Presented { cookie: None, bearer: Some(text) }]
    {
        match at_once(backend.verify(presented, Access::Read, NOW)) {
            Ok(Verdict::Accepted { .. }) if !issuer.known.contains(text) => {
                return Err("it let somebody in".to_owned());
            }
            Ok(_) => {}
            Err(error) => return Err(format!("it broke: {error}")),
        }
    }
    // A refresh may be refused, and is unsupported where nothing is renewed; it may not panic.
    drop(at_once(backend.refresh(text, NOW)));
    Ok(())
}
