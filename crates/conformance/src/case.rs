//! One case of the attack corpus: what is sent, what must come of it, and who says so.

use serde::{Deserialize, Serialize};

use crate::http::Request;

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Group and number: `none/007`.
    pub id: String,
    /// The statement it belongs to.
    pub statement: String,
    /// What is wrong with it, or that nothing is.
    pub what: String,
    /// Standard, advisory or rule that decides.
    pub source: String,
    /// What must come of it.
    pub expect: Expect,
    /// Set where a standard leaves the choice: the policy that this expectation follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What is sent.
    pub send: Send,
}

/// What must come of a case. Never a 5xx, and always within a bounded time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Let in, as the subject it was issued to.
    Accept,
    /// No answer on the connection is a success: 4xx, or the connection closed.
    Refuse,
}

/// What is sent. Names in braces stand for credentials of a fresh login (see the file's `templates`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Send {
    /// `GET` of the protected resource with `Authorization: Bearer` and this.
    Bearer(String),
    /// `GET` of the protected resource with these header lines.
    Headers(Vec<String>),
    /// A refresh request with this form as its body.
    Refresh(String),
    /// This request.
    Request(Request),
    /// These bytes on a connection.
    Raw(String),
}

/// Collects the cases of one group after another.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    list: Vec<Case>,
    group: &'static str,
    statement: &'static str,
    source: &'static str,
    policy: Option<&'static str>,
    number: usize,
}

impl Cases {
    /// Begins a group: what follows has these until the next one begins.
    pub(crate) fn group(
        &mut self,
        group: &'static str,
        statement: &'static str,
        source: &'static str,
    ) -> &mut Self {
        self.number = 0;
        (self.group, self.statement, self.source, self.policy) = (group, statement, source, None);
        self
    }

    /// What follows in this group is decided by a policy, not by a standard.
    pub(crate) fn policy(&mut self, policy: &'static str) {
        self.policy = Some(policy);
    }

    pub(crate) fn add(&mut self, expect: Expect, what: impl Into<String>, send: Send) {
        self.number += 1;
        self.list.push(Case {
            id: format!("{}/{:03}", self.group, self.number),
            statement: self.statement.to_owned(),
            what: what.into(),
            source: self.source.to_owned(),
            expect,
            policy: self.policy.map(str::to_owned),
            send,
        });
    }

    /// A token that must be refused; nothing where it could not be written.
    pub(crate) fn refuse(&mut self, what: impl Into<String>, token: impl Into<Option<String>>) {
        if let Some(token) = token.into() {
            self.add(Expect::Refuse, what, Send::Bearer(token));
        }
    }

    /// A token that must be accepted; nothing where it could not be written.
    pub(crate) fn accept(&mut self, what: impl Into<String>, token: impl Into<Option<String>>) {
        if let Some(token) = token.into() {
            self.add(Expect::Accept, what, Send::Bearer(token));
        }
    }

    /// The cases, each way of sending once: what two groups would both send is left with the first.
    pub(crate) fn finish(self) -> Vec<Case> {
        let mut seen: Vec<Send> = Vec::with_capacity(self.list.len());
        let mut list = self.list;
        list.retain(|case| {
            let new = !seen.contains(&case.send);
            if new {
                seen.push(case.send.clone());
            }
            new
        });
        list
    }
}
