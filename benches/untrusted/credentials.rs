//! Credentials that were changed, presented to the backend that gave them out: nobody may be let in with one.

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
    known: HashSet<String>,
}

pub(super) fn entry() -> Result<Entry, Box<dyn std::error::Error>> {
    let (mut issuers, mut seeds) = (Vec::new(), Vec::new());
    for (number, name) in BACKENDS.into_iter().enumerate() {
        let subject = Subject::in_memory(&file(name))?;
        for grant in subject.held.iter().take(LOGINS) {
            let texts = match grant {
                Grant::Cookie { value, .. } => vec![value],
                Grant::Tokens { access, refresh, .. } => [access].into_iter().chain(refresh).collect(),
                Grant::Minted { access, session, .. } => vec![access, session],
            };
            seeds.extend(texts.into_iter().map(|text| for_reader(number, text.as_bytes())));
        }
        let known = subject.held.iter().map(credential).collect();
        issuers.push(Issuer { subject, known });
    }
    let run = move |input: &[u8]| {
        let Some((number, text)) = selected(input, issuers.len()) else { return Ok(()) };
        let Ok(text) = std::str::from_utf8(text) else { return Ok(()) };
        present(&issuers[number], text)
    };
    Ok(Entry { name: "credentials", seeds, run: Box::new(run) })
}

/// What a request carries.
fn credential(grant: &Grant) -> String {
    match grant {
        Grant::Cookie { value, .. } => value.clone(),
        Grant::Tokens { access, .. } | Grant::Minted { access, .. } => access.clone(),
    }
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
