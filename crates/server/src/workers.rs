//! The threads that answer: the calling one, and further ones with a runtime of their own each.

use std::net::TcpStream as StdStream;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use std::{fmt, io};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::connections::{Answers, Connections};
use crate::http::routes::Api;

/// A connection on its way to another thread.
type Dealt = (StdStream, OwnedSemaphorePermit);

/// All answering threads; connections are dealt to them in turn.
#[derive(Debug)]
pub(crate) struct Workers {
    local: Worker,
    others: Vec<mpsc::UnboundedSender<Dealt>>,
    threads: Vec<JoinHandle<()>>,
    /// Yields `None` once every other thread has dropped its sender, that is, has drained.
    drained: mpsc::Receiver<()>,
    turn: usize,
}

impl Workers {
    /// Starts `count − 1` threads besides the calling one (a count of 0 means 1). They drain once `ended` says so.
    pub(crate) fn start(
        api: &Arc<Api>,
        tls: Option<&TlsAcceptor>,
        count: u32,
        ended: &watch::Receiver<bool>,
        drain: Duration,
    ) -> io::Result<Self> {
        let (draining, drained) = mpsc::channel(1);
        let local = Worker::new(Arc::clone(api), tls.cloned());
        let mut workers = Self { local, others: Vec::new(), threads: Vec::new(), drained, turn: 0 };
        for index in 1..count {
            let (sender, receiver) = mpsc::unbounded_channel();
            let (api, tls) = (Arc::clone(api), tls.cloned());
            let (ended, draining) = (ended.clone(), draining.clone());
            let thread = thread::Builder::new().name(format!("server-{index}")).spawn(move || {
                // Without a runtime of its own the thread ends, and its share is answered by the first one.
                if let Ok(runtime) = crate::run::runtime() {
                    runtime.block_on(async { Worker::new(api, tls).serve(receiver, ended, drain).await });
                    runtime.shutdown_background();
                }
                drop(draining);
            })?;
            workers.others.push(sender);
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Gives a connection to the thread whose turn it is.
    pub(crate) fn deal(&mut self, stream: TcpStream, place: OwnedSemaphorePermit) {
        self.turn = (self.turn + 1) % (self.others.len() + 1);
        let Some(other) = self.turn.checked_sub(1).and_then(|index| self.others.get(index)) else {
            return self.local.take(stream, place);
        };
        // A stream that cannot change its runtime is closed; one whose thread is gone stays here.
        let Ok(stream) = stream.into_std() else { return };
        if let Err(mpsc::error::SendError((stream, place))) = other.send((stream, place))
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            self.local.take(stream, place);
        }
    }

    /// Drains the calling thread's connections, and waits for the other threads, which do the same. The calling
    /// thread is not blocked meanwhile: the store's connection lives on it.
    pub(crate) async fn drain(mut self, bound: Duration) {
        self.local.connections.drain(bound).await;
        while self.drained.recv().await.is_some() {}
        for thread in self.threads {
            // A thread that panicked has ended too.
            let _ = thread.join();
        }
    }
}

/// The measured address on one thread.
#[derive(Debug)]
struct Measured {
    api: Arc<Api>,
}

impl Answers for Measured {
    type Body = Full<Bytes>;

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.api.answer(request).await
    }
}

/// One thread's connections and how they are answered.
struct Worker {
    connections: Rc<Connections>,
    measured: Rc<Measured>,
    tls: Option<TlsAcceptor>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").field("connections", &self.connections).finish_non_exhaustive()
    }
}

impl Worker {
    fn new(api: Arc<Api>, tls: Option<TlsAcceptor>) -> Self {
        Self { connections: Connections::start(), measured: Rc::new(Measured { api }), tls }
    }

    fn take(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        self.connections.spawn(stream, self.tls.clone(), Some(place), Rc::clone(&self.measured));
    }

    async fn serve(
        self,
        mut dealt: mpsc::UnboundedReceiver<Dealt>,
        mut ended: watch::Receiver<bool>,
        drain: Duration,
    ) {
        loop {
            tokio::select! {
                next = dealt.recv() => match next.map(|(stream, place)| (TcpStream::from_std(stream), place)) {
                    Some((Ok(stream), place)) => self.take(stream, place),
                    Some((Err(_), _)) => {}
                    None => break,
                },
                _ = ended.wait_for(|ended| *ended) => break,
            }
        }
        self.connections.drain(drain).await;
    }
}
