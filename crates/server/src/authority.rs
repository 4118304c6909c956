//! Asking an authority, that is another server, about credentials and for status lists, over HTTP/1.1 with kept
//! connections; and what the two say to each other.

mod list;

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use auth::authority::Answer;
use auth::store::bits::LARGEST;
use auth::{Authority, Error, Introspection, Principal};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use scenario::wire;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

pub(crate) use self::list::CompressedList;

/// Largest answer, bytes: a status list that does not compress.
const MAX_ANSWER: usize = 2 * LARGEST;
/// Idle connections kept; more may be in use at once.
const IDLE: usize = 64;

/// What an authority says of a credential (RFC 7662 §2.2); `roles` and `tenant` are members of our own.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// Whether it is in force. If not, nothing more is said.
    pub(crate) active: bool,
    /// Subject name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sub: Option<String>,
    /// When it ends by itself, Unix time in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exp: Option<u64>,
    /// Role names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    /// Tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
}

impl From<Option<Introspection>> for Said {
    fn from(known: Option<Introspection>) -> Self {
        let Some(Introspection { principal, until_s }) = known else { return Self::default() };
        Self {
            active: true,
            sub: Some(principal.subject().to_owned()),
            exp: Some(until_s),
            roles: principal.roles().map(str::to_owned).collect(),
            tenant: Some(principal.tenant().to_owned()),
        }
    }
}

impl Said {
    /// What it means. An active credential must say whose it is and until when.
    fn meaning(self) -> Result<Option<Introspection>, Error> {
        match self {
            Self { active: false, .. } => Ok(None),
            Self { sub: Some(sub), exp: Some(until_s), roles, tenant: Some(tenant), .. } => {
                Ok(Some(Introspection { principal: Principal::new(&sub, &roles, &tenant), until_s }))
            }
            _ => Err(failed("an active credential of nobody")),
        }
    }
}

/// Another server, asked over the network. Whoever asks bounds the wait.
pub(crate) struct RemoteAuthority {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

impl std::fmt::Debug for RemoteAuthority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RemoteAuthority").field("address", &self.address).finish_non_exhaustive()
    }
}

impl RemoteAuthority {
    /// The authority at this address; nothing is sent yet.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::new(Vec::new()) }
    }

    async fn introspected(&self, credential: &str) -> Result<Option<Introspection>, Error> {
        // Opaque ids are base64url; anything else is escaped by nobody and never in force.
        if !credential.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return Ok(None);
        }
        let form = Bytes::from(format!("token={credential}"));
        let body = self.ask(wire::INTROSPECT, Some(&form)).await?;
        serde_json::from_slice::<Said>(&body).map_err(|_| failed("an answer that is none"))?.meaning()
    }

    async fn listed(&self, list: u64) -> Result<Bytes, Error> {
        let body = self.ask(&format!("{}?list={list}", wire::STATUS_LIST), None).await?;
        let list: CompressedList =
            serde_json::from_slice(&body).map_err(|_| failed("a list that is none"))?;
        list.bits(LARGEST).ok_or_else(|| failed("a status list that cannot be read"))
    }

    /// The body of a 200; a form is posted. A kept connection may have been closed meanwhile: then a new one is tried.
    async fn ask(&self, path: &str, form: Option<&Bytes>) -> Result<Bytes, Error> {
        loop {
            let kept = self.idle().pop();
            let (mut sender, fresh) = match kept {
                Some(sender) => (sender, false),
                None => (self.connect().await?, true),
            };
            match self.exchange(&mut sender, path, form).await {
                Ok(body) => {
                    let mut idle = self.idle();
                    if idle.len() < IDLE {
                        idle.push(sender);
                    }
                    return Ok(body);
                }
                Err(error) if fresh => return Err(error),
                Err(_) => {}
            }
        }
    }

    async fn exchange(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        path: &str,
        form: Option<&Bytes>,
    ) -> Result<Bytes, Error> {
        let request = match form {
            None => Request::get(path),
            Some(_) => Request::post(path)
                .header(AUTHORIZATION, format!("Bearer {}", wire::AUTHORITY_SECRET))
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded"),
        };
        let request = request.header(HOST, self.address.to_string());
        let request = request.body(Full::new(form.cloned().unwrap_or_default())).map_err(failed)?;
        sender.ready().await.map_err(failed)?;
        let answer = sender.send_request(request).await.map_err(failed)?;
        if answer.status() != StatusCode::OK {
            return Err(failed(answer.status()));
        }
        Ok(Limited::new(answer.into_body(), MAX_ANSWER).collect().await.map_err(failed)?.to_bytes())
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Error> {
        let stream = TcpStream::connect(self.address).await.map_err(failed)?;
        // Without it a question would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
        // It ends with the sender, or when the other side closes; both show on the sender.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SendRequest<Full<Bytes>>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authority for RemoteAuthority {
    fn introspect<'a>(&'a self, credential: &'a str) -> Answer<'a, Option<Introspection>> {
        Box::pin(self.introspected(credential))
    }

    fn status_list(&self, list: u64) -> Answer<'_, Bytes> {
        Box::pin(self.listed(list))
    }
}

/// An authority that cannot be asked is a store that is down.
fn failed(what: impl std::fmt::Display) -> Error {
    Error::Store(format!("the authority: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_a_refusal_says_nothing() {
        let principal = Principal::new("u00000001", &["member", "basic"], "tenant");
        let known = Introspection { principal, until_s: 1_800_000_000 };
        let text = serde_json::to_string(&Said::from(Some(known.clone()))).unwrap();
        assert!(text.starts_with(r#"{"active":true,"sub":"u00000001","exp":1800000000,"#), "{text}");
        let said: Said = serde_json::from_str(&text).unwrap();
        assert_eq!(said.meaning().unwrap(), Some(known));
        assert_eq!(serde_json::to_string(&Said::from(None)).unwrap(), r#"{"active":false}"#);
        let refused: Said = serde_json::from_str(r#"{"active":false,"sub":"x"}"#).unwrap();
        assert_eq!(refused.meaning().unwrap(), None);
        for partial in [r#"{"active":true}"#, r#"{"active":true,"sub":"x","tenant":"t"}"#] {
            assert!(serde_json::from_str::<Said>(partial).unwrap().meaning().is_err(), "{partial}");
        }
    }
}
