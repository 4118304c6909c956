//! SQL keeps no log of what was ended: a mechanism that needs one is refused before a store is opened for it.

use bytes::Bytes;

use super::SqlStore;
use crate::error::Error;
use crate::store::Span;
use crate::store::feed::{Cursor, Feed, Message, Page, Subscription};

/// What any question about it is answered with.
const NO_LOG: Error = Error::Unsupported("keep a log of ended logins: its store is SQL");

/// There is none.
#[derive(Debug)]
pub enum NoSubscription {}

impl Feed for SqlStore {
    type Subscription = NoSubscription;

    async fn append(&self, _payload: Bytes, _span: Span) -> Result<(), Error> {
        Err(NO_LOG)
    }

    async fn since(&self, _cursor: Cursor, _limit: usize) -> Result<Page, Error> {
        Err(NO_LOG)
    }

    async fn subscribe(&self) -> Result<NoSubscription, Error> {
        Err(NO_LOG)
    }
}

impl Subscription for NoSubscription {
    async fn next(&mut self) -> Option<Message> {
        match *self {}
    }
}
