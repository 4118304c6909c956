//! The control address: what the measuring side does to a server, apart from the measured traffic and never counted in it.

mod provision;

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use scenario::wire;
use serde::Deserialize;
use tokio::sync::mpsc;

use crate::connections::Answers;
use crate::http::body;
use crate::http::reply::{self, Refusal};
use crate::http::routes::Api;
use crate::subjects::Subjects;

/// An answer of the control address; a provision is the only one whose body comes in parts.
pub(crate) type ControlReply = Response<BoxBody<Bytes, Broken>>;

/// A body that ends before it is whole: the client sees an incomplete response.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Broken(String);

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// How many subject names there are: eight digits.
const SUBJECTS: u64 = 100_000_000;

/// `POST /disable`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DisableBody {
    subject: String,
}

/// `POST /clock-offset`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OffsetBody {
    offset_ms: i64,
}

/// The control side of a server.
#[derive(Debug)]
pub(crate) struct Control {
    /// What is controlled.
    pub(crate) api: Arc<Api>,
    /// Who is provisioned.
    pub(crate) subjects: Rc<Subjects>,
}

impl Answers for Control {
    type Body = BoxBody<Bytes, Broken>;

    async fn answer(&self, request: Request<Incoming>) -> ControlReply {
        self.route(request).await.unwrap_or_else(|refusal| whole(refusal.reply()))
    }
}

impl Control {
    async fn route(&self, request: Request<Incoming>) -> Result<ControlReply, Refusal> {
        let (head, body) = request.into_parts();
        match (head.uri.path(), &head.method) {
            (wire::CONTROL_HEALTH, &Method::GET) => Ok(self.health()),
            (wire::CONTROL_COUNTERS, &Method::GET) => self.counters(),
            (wire::CONTROL_PROVISION, &Method::POST) => self.provision(&head.headers, body).await,
            (wire::CONTROL_DISABLE, &Method::POST) => self.disable(&head.headers, body).await,
            (wire::CONTROL_ROTATE_KEY, &Method::POST) => self.rotate_key().await,
            (wire::CONTROL_CLOCK_OFFSET, &Method::POST) => self.clock_offset(&head.headers, body).await,
            (wire::CONTROL_HEALTH | wire::CONTROL_COUNTERS, _) => Err(Refusal::Method("GET")),
            (
                wire::CONTROL_PROVISION
                | wire::CONTROL_DISABLE
                | wire::CONTROL_ROTATE_KEY
                | wire::CONTROL_CLOCK_OFFSET,
                _,
            ) => Err(Refusal::Method("POST")),
            _ => Err(Refusal::NotFound),
        }
    }

    /// The process answers; and whether its store has lost what would keep ended logins out.
    fn health(&self) -> ControlReply {
        text(match self.api.store_lost_data.load(Ordering::Relaxed) {
            false => r#"{"status":"ok"}"#,
            true => r#"{"status":"ok","store_lost_data":true}"#,
        })
    }

    fn counters(&self) -> Result<ControlReply, Refusal> {
        let (http, backend) = (&self.api.totals, self.api.authenticator.totals());
        let counters = wire::Counters {
            requests: http.requests(),
            failures: http.failures(),
            store_round_trips: backend.store_round_trips,
            store_commands: backend.store_commands,
            live_entries: backend.live_entries,
            revoked_entries: backend.revoked_entries,
            logins_shed: backend.logins_shed,
        };
        let body = serde_json::to_vec(&counters).map_err(|_| Refusal::Internal)?;
        Ok(whole(reply::json(StatusCode::OK, body.into())))
    }

    async fn provision(&self, headers: &HeaderMap, body: Incoming) -> Result<ControlReply, Refusal> {
        let wanted: wire::Provision = body::json(headers, body).await?;
        let end = u64::from(wanted.first) + u64::from(wanted.subjects);
        if wanted.devices == 0 || end > SUBJECTS {
            return Err(Refusal::BadRequest("invalid_request"));
        }
        let (lines, receiver) = mpsc::channel(provision::BATCHES_AHEAD);
        let (api, subjects) = (Arc::clone(&self.api), Rc::clone(&self.subjects));
        tokio::task::spawn_local(async move { provision::run(&api, &wanted, &subjects, &lines).await });
        Ok(Response::new(BoxBody::new(Lines { receiver })))
    }

    async fn disable(&self, headers: &HeaderMap, body: Incoming) -> Result<ControlReply, Refusal> {
        let wanted: DisableBody = body::json(headers, body).await?;
        let done = pin!(self.api.authenticator.disable(&wanted.subject, self.api.clock.now()));
        self.api.ask(done).await?;
        Ok(text("{}"))
    }

    async fn rotate_key(&self) -> Result<ControlReply, Refusal> {
        if let Some(shared) = &self.api.shared_key {
            let key = shared.rotate().map_err(|_| Refusal::Internal)?;
            let replaced = pin!(self.api.authenticator.replace_key(&key, self.api.clock.now()));
            self.api.ask(replaced).await?;
        } else {
            let rotated = pin!(self.api.authenticator.rotate_key(self.api.clock.now()));
            self.api.ask(rotated).await?;
        }
        Ok(text("{}"))
    }

    async fn clock_offset(&self, headers: &HeaderMap, body: Incoming) -> Result<ControlReply, Refusal> {
        let wanted: OffsetBody = body::json(headers, body).await?;
        self.api.clock.set_offset(wanted.offset_ms);
        Ok(text("{}"))
    }
}

fn text(json: &'static str) -> ControlReply {
    whole(reply::json(StatusCode::OK, Bytes::from_static(json.as_bytes())))
}

fn whole(reply: Response<Full<Bytes>>) -> ControlReply {
    reply.map(|body| BoxBody::new(body.map_err(Broken::from)))
}

/// A body whose parts come from a task.
struct Lines {
    receiver: mpsc::Receiver<Result<Bytes, Broken>>,
}

impl Body for Lines {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.receiver.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}
