//! The routes of the HTTP contract over one backend.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::AtomicBool;
use std::task::Poll;
use std::time::Duration;

use auth::password::Hashing;
use auth::{Access, LoginAnswer, Presented, Principal, Verdict};
use bytes::Bytes;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use hyper::body::Incoming;
use scenario::wire;

use super::reply::{Refusal, Reply};
use super::{body, credentials, origin, reply};
use crate::authority::{CompressedList, Said};
use crate::backend::Backend;
use crate::clock::WallClock;
use crate::key_file::SharedKey;
use crate::totals::Totals;
use crate::work::ExtraWork;

/// Longest wait for a password to be hashed, its place in the queue included: for machines that have no CPU to spare.
const HASHES: Duration = Duration::from_secs(10);

/// Shortest password that may be set, characters.
const MIN_PASSWORD_CHARS: usize = 15;

/// The backend of this process and how it is served. One for all threads.
#[derive(Debug)]
pub(crate) struct Api {
    /// Credential, checks, view and renewal over a store.
    pub(crate) authenticator: Backend,
    /// The four choices, algorithm and sizes, for the recording.
    pub(crate) describe: serde_json::Value,
    /// Wall time with this replica's offset.
    pub(crate) clock: WallClock,
    /// Counts of the measured address.
    pub(crate) totals: Totals,
    /// The store came back without what was written to it, and ended logins may be let in again.
    pub(crate) store_lost_data: AtomicBool,
    /// Bound of what waits on a store, over all round trips of a request.
    pub(crate) deadline: Duration,
    /// The positive control.
    pub(crate) extra_work: ExtraWork,
    /// Logins hand out a cookie, so they can be forged across sites.
    pub(crate) cookie_logins: bool,
    /// How long an account stays locked after its last failure.
    pub(crate) lockout: Duration,
    /// Where the store lies that is this process's own; it goes with it.
    pub(crate) _folder: Option<tempfile::TempDir>,
    /// The signing key that other replicas use as well.
    pub(crate) shared_key: Option<SharedKey>,
}

impl Api {
    /// Answers one request of the measured address. A panic in a handler is a 500, not the end of the connection.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Reply {
        self.extra_work.burn();
        let outcome = guarded(pin!(self.route(request))).await;
        let reply = outcome.unwrap_or_else(Refusal::reply);
        self.totals.answered(reply.status().is_server_error());
        reply
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let (head, body) = request.into_parts();
        // RFC 9112 §3.2.
        if head.version == Version::HTTP_11 && !head.headers.contains_key(HOST) {
            return Err(Refusal::BadRequest("invalid_request"));
        }
        match (head.uri.path(), &head.method) {
            (wire::ME, &Method::GET | &Method::HEAD) => self.me(&head.headers).await,
            (wire::NOTE, &Method::POST) => self.note(&head.headers, body).await,
            // Boxed, so that their state does not make the future of the frequent ones larger: it is moved once.
            _ => Box::pin(self.seldom(&head, body)).await,
        }
    }

    async fn seldom(&self, head: &Parts, body: Incoming) -> Result<Reply, Refusal> {
        let headers = &head.headers;
        match (head.uri.path(), &head.method) {
            (wire::LOGIN, &Method::POST) => self.login(headers, body).await,
            (wire::REFRESH, &Method::POST) => self.refresh(headers, body).await,
            (wire::LOGOUT, &Method::POST) => self.logout(headers, body).await,
            (wire::LOGOUT_ALL, &Method::POST) | (wire::SESSIONS, &Method::DELETE) => {
                self.logout_all(headers).await
            }
            (wire::PASSWORD, &Method::POST) => self.password(headers, body).await,
            (wire::SESSIONS, &Method::GET | &Method::HEAD) => self.sessions(headers).await,
            (wire::JWKS, &Method::GET | &Method::HEAD) => self.key_set(),
            (wire::INTROSPECT, &Method::POST) => self.introspect(headers, body).await,
            (wire::STATUS_LIST, &Method::GET) => self.status_list(head.uri.query()).await,
            (wire::STATUS_LIST, _) => Err(Refusal::Method("GET")),
            (wire::ME | wire::JWKS, _) => Err(Refusal::Method("GET, HEAD")),
            (wire::SESSIONS, _) => Err(Refusal::Method("GET, HEAD, DELETE")),
            (
                wire::NOTE
                | wire::LOGIN
                | wire::REFRESH
                | wire::LOGOUT
                | wire::LOGOUT_ALL
                | wire::PASSWORD
                | wire::INTROSPECT,
                _,
            ) => Err(Refusal::Method("POST")),
            _ => Err(Refusal::NotFound),
        }
    }

    async fn me(&self, headers: &HeaderMap) -> Result<Reply, Refusal> {
        let presented = credentials::presented(headers)?;
        let question = pin!(self.authenticator.verify(presented, Access::Read, self.clock.now()));
        let verdict = self.ask(question).await?;
        admitted(verdict, reply::identity)
    }

    async fn note(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        let presented = unsafe_request(headers)?;
        // What is noted does not matter to any backend; that it was received does.
        body::read(body).await?;
        let question = pin!(self.authenticator.note(presented, self.clock.now()));
        let verdict = self.ask(question).await?;
        admitted(verdict, |_| reply::no_content())
    }

    async fn login(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        if self.cookie_logins && !origin::same_site(headers) {
            return Err(Refusal::CrossSite);
        }
        let login: wire::LoginBody = body::json(headers, body).await?;
        // A login that is presented along with the password is replaced by the new one.
        let presented = credentials::presented(headers)?;
        let now = self.clock.now();
        let hashing = Hashing::default();
        let (username, password) = (&login.username, &login.password);
        let attempt = self.authenticator.login_watched(username, password, presented, now, &hashing);
        match self.ask_hashing(pin!(attempt), &hashing).await? {
            LoginAnswer::Granted(grant) => reply::granted(&grant),
            LoginAnswer::Rejected => Err(Refusal::BadLogin),
            LoginAnswer::LockedOut => Err(Refusal::LockedOut(self.lockout)),
        }
    }

    async fn refresh(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        if self.authenticator.mechanism().mints() {
            return self.mint(headers, body).await;
        }
        let form = form(headers, body).await?;
        let grant_type = body::form_field(&form, "grant_type")?;
        if grant_type.ok_or(Refusal::BadRequest("invalid_request"))? != "refresh_token" {
            return Err(Refusal::BadRequest("unsupported_grant_type"));
        }
        let token =
            body::form_field(&form, "refresh_token")?.ok_or(Refusal::BadRequest("invalid_request"))?;
        let exchange = pin!(self.authenticator.refresh(&token, self.clock.now()));
        let grant = self.ask(exchange).await?;
        reply::granted(&grant.ok_or(Refusal::BadRequest("invalid_grant"))?)
    }

    /// A token from the session whose cookie comes along, and which a page of another site could make the browser send.
    async fn mint(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        let presented = unsafe_request(headers)?;
        body::read(body).await?;
        let session = presented.cookie.ok_or(Refusal::Unauthorized { presented: false })?;
        let minted = pin!(self.authenticator.refresh(session, self.clock.now()));
        let grant = self.ask(minted).await?;
        reply::granted(&grant.ok_or(Refusal::BadRequest("invalid_grant"))?)
    }

    /// The body may name the refresh token (`refresh_token=…`) that ends with the login.
    async fn logout(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        let presented = unsafe_request(headers)?;
        let form =
            if hyper::body::Body::is_end_stream(&body) { String::new() } else { form(headers, body).await? };
        let refresh = body::form_field(&form, "refresh_token")?;
        let ended = pin!(self.authenticator.logout(presented, refresh.as_deref(), self.clock.now()));
        ended_reply(presented, &self.ask(ended).await?)
    }

    async fn logout_all(&self, headers: &HeaderMap) -> Result<Reply, Refusal> {
        let presented = unsafe_request(headers)?;
        let ended = pin!(self.authenticator.logout_all(presented, self.clock.now()));
        let verdict = self.ask(ended).await?;
        ended_reply(presented, &verdict)
    }

    async fn password(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        let presented = unsafe_request(headers)?;
        let change: wire::PasswordBody = body::json(headers, body).await?;
        if !is_fit(&change.new) {
            return Err(Refusal::BadRequest("invalid_request"));
        }
        let now = self.clock.now();
        let hashing = Hashing::default();
        let (current, new) = (&change.current, &change.new);
        let changed = self.authenticator.change_password_watched(presented, current, new, now, &hashing);
        let verdict = self.ask_hashing(pin!(changed), &hashing).await?.ok_or(Refusal::WrongPassword)?;
        admitted(verdict, |_| reply::no_content())
    }

    async fn sessions(&self, headers: &HeaderMap) -> Result<Reply, Refusal> {
        let presented = credentials::presented(headers)?;
        let list = pin!(self.authenticator.sessions(presented, self.clock.now()));
        let (verdict, count) = self.ask(list).await?;
        let body = Bytes::from(format!(r#"{{"sessions":{count}}}"#));
        admitted(verdict, |_| reply::json(StatusCode::OK, body))
    }

    fn key_set(&self) -> Result<Reply, Refusal> {
        let keys = self.authenticator.public_keys(self.clock.now()).map_err(|error| broken(&error))?;
        Ok(reply::json(StatusCode::OK, Bytes::from(keys.to_string())))
    }

    /// The authority's side (RFC 7662 §2). Only a server that shows the secret is told anything.
    async fn introspect(&self, headers: &HeaderMap, body: Incoming) -> Result<Reply, Refusal> {
        let shown = credentials::presented(headers)?.bearer;
        if shown != Some(wire::AUTHORITY_SECRET) {
            return Err(Refusal::Unauthorized { presented: shown.is_some() });
        }
        let form = form(headers, body).await?;
        let token = body::form_field(&form, "token")?.ok_or(Refusal::BadRequest("invalid_request"))?;
        let question = pin!(self.authenticator.introspect(&token, self.clock.now()));
        let said = Said::from(self.ask(question).await?);
        let body = serde_json::to_vec(&said).map_err(|_| Refusal::Internal)?;
        Ok(reply::json(StatusCode::OK, body.into()))
    }

    /// A status list, compressed. Whoever fetches it learns nothing about anybody.
    async fn status_list(&self, query: Option<&str>) -> Result<Reply, Refusal> {
        let list = body::form_field(query.unwrap_or_default(), "list")?;
        let list = list.and_then(|list| list.parse().ok()).ok_or(Refusal::BadRequest("invalid_request"))?;
        let question = pin!(self.authenticator.status_list(list, self.clock.now()));
        let bits = self.ask(question).await?;
        let body = CompressedList::of(&bits).and_then(|list| serde_json::to_vec(&list).ok());
        Ok(reply::json(StatusCode::OK, body.ok_or(Refusal::Internal)?.into()))
    }

    /// What the backend says within the deadline, which does not run while it hashes a password: the queue for that is
    /// short, and refuses at once when it is full.
    async fn ask_hashing<T>(
        &self,
        question: Pin<&mut impl Future<Output = Result<T, auth::Error>>>,
        hashing: &Hashing,
    ) -> Result<T, Refusal> {
        match within_but_for(self.deadline, hashing, question).await {
            Some(answer) => answer.map_err(|error| broken(&error)),
            None => Err(Refusal::Unavailable),
        }
    }

    /// What the backend says within the deadline. Pinned where it was made, a question is not moved any more.
    pub(crate) async fn ask<T>(
        &self,
        question: Pin<&mut impl Future<Output = Result<T, auth::Error>>>,
    ) -> Result<T, Refusal> {
        match within(self.deadline, question).await {
            Some(answer) => answer.map_err(|error| broken(&error)),
            None => Err(Refusal::Unavailable),
        }
    }
}

/// Whether a password may be set: not shorter than NIST SP 800-63B-4 §3.1.1.2 allows where it is the only factor, and
/// not longer than what is hashed, because no login could give it whole.
fn is_fit(password: &str) -> bool {
    password.chars().count() >= MIN_PASSWORD_CHARS && password.len() <= auth::password::MAX_PASSWORD
}

/// The output of `future`, or `None` once it has waited for `deadline` in all for something else than a hash, or for
/// [`HASHES`] for one.
async fn within_but_for<F: Future>(
    deadline: Duration,
    hashing: &Hashing,
    mut future: Pin<&mut F>,
) -> Option<F::Output> {
    let mut left = deadline;
    loop {
        // It begins and ends to hash only while it is polled.
        let before = hashing.goes_on();
        let turn = poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if hashing.goes_on() != before => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let began = crate::clock::instant();
        let output = tokio::time::timeout(if before { HASHES } else { left }, turn).await.ok()?;
        if let Some(output) = output {
            return Some(output);
        }
        if !before {
            left = left.saturating_sub(began.elapsed());
        }
    }
}

/// The backend broke: which status says so.
fn broken(error: &auth::Error) -> Refusal {
    match error {
        auth::Error::Store(_) | auth::Error::Busy => Refusal::Unavailable,
        auth::Error::Unsupported(_) => Refusal::Unsupported,
        auth::Error::Crypto(_) => Refusal::Internal,
    }
}

/// The credential of a request that changes something: a cookie only if the request is not forged across sites.
fn unsafe_request(headers: &HeaderMap) -> Result<Presented<'_>, Refusal> {
    let presented = credentials::presented(headers)?;
    if presented.cookie.is_some() && !origin::same_site(headers) {
        return Err(Refusal::CrossSite);
    }
    Ok(presented)
}

/// The form in the body, which must be declared as one.
async fn form(headers: &HeaderMap, body: Incoming) -> Result<String, Refusal> {
    if !body::is_media_type(headers, "application/x-www-form-urlencoded") {
        return Err(Refusal::MediaType);
    }
    String::from_utf8(body::read(body).await?.into()).map_err(|_| Refusal::BadRequest("invalid_request"))
}

/// An accepted credential gets `answer`, with the cookie that replaces it if there is one.
fn admitted(verdict: Verdict, answer: impl FnOnce(&Principal) -> Reply) -> Result<Reply, Refusal> {
    match verdict {
        Verdict::Accepted { principal, replacement } => {
            let mut reply = answer(&principal);
            if let Some(value) = replacement {
                reply::set_cookie(&mut reply, &value, None)?;
            }
            Ok(reply)
        }
        Verdict::Rejected(rejection) => Err(rejection.into()),
    }
}

/// 204 for a login that has ended; a client that presented a cookie is told to drop it.
fn ended_reply(presented: Presented<'_>, verdict: &Verdict) -> Result<Reply, Refusal> {
    match verdict {
        Verdict::Accepted { .. } => {
            let mut reply = reply::no_content();
            if presented.cookie.is_some() {
                reply::clear_cookie(&mut reply);
            }
            Ok(reply)
        }
        Verdict::Rejected(rejection) => Err((*rejection).into()),
    }
}

/// The output of `future`, or `None` once `deadline` has passed since it first had to wait.
///
/// A future that never waits arms no timer: backends without a store pay nothing for the deadline.
pub(crate) async fn within<F: Future>(deadline: Duration, mut future: Pin<&mut F>) -> Option<F::Output> {
    if let Poll::Ready(output) = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await {
        return Some(output);
    }
    tokio::time::timeout(deadline, future).await.ok()
}

/// The outcome of a handler; a panic in it is an outcome too.
async fn guarded<T>(mut handler: Pin<&mut impl Future<Output = Result<T, Refusal>>>) -> Result<T, Refusal> {
    poll_fn(|context| {
        let poll = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(context)));
        poll.unwrap_or(Poll::Ready(Err(Refusal::Internal)))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        crate::run::runtime().unwrap().block_on(future)
    }

    #[test]
    fn a_panic_is_an_internal_error() {
        let panics = async {
            tokio::task::yield_now().await;
            if true {
                panic!("on purpose");
            }
            Ok(())
        };
        assert_eq!(run(guarded(pin!(panics))), Err(Refusal::Internal));
        assert_eq!(run(guarded(pin!(async { Ok(1) }))), Ok(1));
    }

    #[test]
    fn a_hash_takes_nothing_of_the_deadline_and_the_store_all_of_it() {
        // Long enough that a busy machine does not use it up between two steps.
        let short = Duration::from_millis(500);
        let pause = || tokio::time::sleep(short * 3 / 2);
        let hashes = run(async {
            let hashing = Hashing::default();
            let question = async {
                hashing.during(pause()).await;
                tokio::task::yield_now().await;
                hashing.during(pause()).await;
                7
            };
            within_but_for(short, &hashing, pin!(question)).await
        });
        assert_eq!(hashes, Some(7));
        let waits = run(async {
            let hashing = Hashing::default();
            let question = async {
                hashing.during(pause()).await;
                std::future::pending::<()>().await;
            };
            within_but_for(short, &hashing, pin!(question)).await
        });
        assert_eq!(waits, None);
    }

    #[test]
    fn short_passwords_and_those_that_would_be_cut_are_not_set() {
        for (password, fits) in [
            (String::new(), false),
            ("x".repeat(14), false),
            ("é".repeat(15), true),
            ("x".repeat(1024), true),
            ("x".repeat(1025), false),
        ] {
            assert_eq!(is_fit(&password), fits, "{} bytes", password.len());
        }
    }

    #[test]
    fn a_deadline_is_kept_and_costs_nothing_where_nothing_waits() {
        // Without a runtime a timer cannot be armed: this one is not.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let ready = pin!(std::future::ready(7));
        assert_eq!(pin!(within(Duration::ZERO, ready)).poll(&mut context), Poll::Ready(Some(7)));
        let late = run(async { within(Duration::from_millis(1), pin!(std::future::pending::<()>())).await });
        assert_eq!(late, None);
    }
}
