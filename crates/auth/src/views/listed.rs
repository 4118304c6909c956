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
    known: RwLock<Known>,
    /// Held while a list is on its way, so that all who need it wait for one.
    fetching: tokio::sync::Mutex<()>,
    authority: Option<Arc<dyn Authority>>,
}

/// What is here.
#[derive(Debug, Default)]
struct Known {
    held: Vec<Held>,
    /// How often this node has ended a token.
    ends: u64,
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
        Self { ttl_ms, known: RwLock::default(), fetching: tokio::sync::Mutex::new(()), authority: None }
    }

    /// From now on asks this authority instead of the store.
    pub(crate) fn ask_instead(&mut self, authority: Arc<dyn Authority>) {
        self.authority = Some(authority);
    }

    /// Whether a token was ended, if its list is here and still believed.
    pub(crate) fn at_hand(&self, place: StatusRef, now: UnixMillis) -> Option<bool> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let held = known.held.iter().find(|held| held.list == place.list)?;
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
        let ends = self.known.read().unwrap_or_else(PoisonError::into_inner).ends;
        let fetched = match &self.authority {
            Some(authority) => authority.status_list(place.list).await?,
            None => store.bits(place.list, now).await?,
        };
        let ended = bits::is_set(&fetched, place.index);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // It may be older than the end of a token that this node has just made: then the next request fetches it again.
        if known.ends == ends {
            known.held.retain(|held| held.list != place.list);
            known.held.push(Held { list: place.list, bits: fetched.into(), asked: now });
            if known.held.len() > HELD {
                // The one asked for longest ago.
                known.held.remove(0);
            }
        }
        Ok(ended)
    }

    /// The store has this bit set from now on.
    pub(crate) fn ended(&self, place: StatusRef) -> Result<(), Error> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.ends += 1;
        match known.held.iter_mut().find(|held| held.list == place.list) {
            Some(held) => bits::set(&mut held.bits, place.index),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;
    use crate::authority::{Answer, Introspection};
    use crate::store::MemoryStore;

    /// Says at once that it was asked, and answers when told to: that no token was ended.
    #[derive(Debug, Default)]
    struct Slow {
        asked: Notify,
        go_on: Notify,
    }

    impl Authority for Slow {
        fn introspect<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Introspection>> {
            Box::pin(std::future::ready(Ok(None)))
        }

        fn status_list(&self, _: u64) -> Answer<'_, bytes::Bytes> {
            Box::pin(async {
                self.asked.notify_one();
                self.go_on.notified().await;
                Ok(bytes::Bytes::new())
            })
        }
    }

    #[tokio::test]
    async fn a_list_from_before_an_end_is_not_kept_after_it() {
        let (authority, store) = (Arc::new(Slow::default()), MemoryStore::new());
        let mut lists = StatusLists::new(1000);
        lists.ask_instead(authority.clone());
        let place = StatusRef { list: 1, index: 9 };
        let overtaking = async {
            authority.asked.notified().await;
            lists.ended(place).unwrap();
            authority.go_on.notify_one();
        };
        let (read, ()) = tokio::join!(lists.read(&store, place, 5000), overtaking);
        assert!(!read.unwrap(), "asked before the end");
        assert_eq!(lists.at_hand(place, 5000), None, "and not believed after it");
        authority.go_on.notify_one();
        assert!(!lists.read(&store, place, 5000).await.unwrap());
        assert_eq!(lists.at_hand(place, 5000), Some(false));
        lists.ended(place).unwrap();
        assert_eq!(lists.at_hand(place, 5000), Some(true));
    }
}
