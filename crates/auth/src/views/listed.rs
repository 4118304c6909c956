//! Status lists as this node fetched them: one bit per token, believed for one time to live.

use std::sync::{Arc, PoisonError, RwLock};

use crate::answer::UnixMillis;
use crate::authority::Authority;
use crate::credential::status::StatusRef;
use crate::error::Error;
use crate::store::bits::{self, Bits};

/// Lists held at once: tokens in force stand in two, clocks that differ add one.
const HELD: usize = 4;

/// The lists that tokens presented lately stand in.
#[derive(Debug)]
pub(crate) struct StatusLists {
    ttl_ms: u64,
    held: RwLock<Vec<Held>>,
    /// Held while a list is on its way, so that all who need it wait for one.
    fetching: tokio::sync::Mutex<()>,
    authority: Option<Arc<dyn Authority>>,
}

#[derive(Debug)]
struct Held {
    list: u64,
    bits: Vec<u8>,
    /// A time before it was asked for.
    asked: UnixMillis,
}

impl StatusLists {
    /// None yet.
    pub(crate) fn new(ttl_ms: u64) -> Self {
        Self { ttl_ms, held: RwLock::new(Vec::new()), fetching: tokio::sync::Mutex::new(()), authority: None }
    }

    /// From now on asks this authority instead of the store.
    pub(crate) fn ask_instead(&mut self, authority: Arc<dyn Authority>) {
        self.authority = Some(authority);
    }

    /// Whether a token was ended, if its list is here and still believed.
    pub(crate) fn at_hand(&self, place: StatusRef, now: UnixMillis) -> Option<bool> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let held = held.iter().find(|held| held.list == place.list)?;
        let believed = (held.asked..held.asked.saturating_add(self.ttl_ms)).contains(&now);
        believed.then(|| bits::is_set(&held.bits, place.index))
    }

    /// The same, fetching the list where needed.
    pub(crate) async fn read(
        &self,
        store: &impl Bits,
        place: StatusRef,
        now: UnixMillis,
    ) -> Result<bool, Error> {
        let _fetching = self.fetching.lock().await;
        if let Some(ended) = self.at_hand(place, now) {
            return Ok(ended);
        }
        let fetched = match &self.authority {
            Some(authority) => authority.status_list(place.list).await?,
            None => store.bits(place.list, now).await?,
        };
        let ended = bits::is_set(&fetched, place.index);
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.retain(|held| held.list != place.list);
        held.push(Held { list: place.list, bits: fetched.into(), asked: now });
        if held.len() > HELD {
            // The one asked for longest ago.
            held.remove(0);
        }
        Ok(ended)
    }

    /// The store has this bit set from now on.
    pub(crate) fn ended(&self, place: StatusRef) -> Result<(), Error> {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        match held.iter_mut().find(|held| held.list == place.list) {
            Some(held) => bits::set(&mut held.bits, place.index),
            None => Ok(()),
        }
    }
}
