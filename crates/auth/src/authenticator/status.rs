//! Tokens with a place in a status list: handing out places, setting and reading their bits.

use super::Authenticator;
use crate::answer::UnixMillis;
use crate::credential::status::StatusRef;
use crate::directory::Directory;
use crate::error::Error;
use crate::mechanism::CheckKind;
use crate::store::{Index, Span, Store};
use crate::views::Reader;

/// Clocks of nodes may differ by this much: a list outlives its last token by it, milliseconds.
const CLOCK_MARGIN_MS: u64 = 60_000;

impl<S: Store + Index, D: Directory> Authenticator<S, D> {
    /// The number of the list in which tokens of this moment stand: one list per life of a token.
    pub(super) fn list_at(&self, now: UnixMillis) -> u64 {
        now / self.list_period_ms()
    }

    /// Places for new tokens; none where no check asks for them.
    pub(super) async fn places(
        &self,
        count: u64,
        now: UnixMillis,
    ) -> Result<impl Iterator<Item = StatusRef> + use<S, D>, Error> {
        let (list, mut first, mut end) = (self.list_at(now), 0, 0);
        if self.mechanism.has(CheckKind::StatusBit) {
            first = self.store.reserve(list, count, self.list_span(list, now)).await?;
            end = first + count;
        }
        Ok((first..end).map(move |index| StatusRef { list, index }))
    }

    /// Says of these tokens that they were ended.
    pub(super) async fn flag(&self, mut places: Vec<StatusRef>, now: UnixMillis) -> Result<(), Error> {
        places.sort_unstable_by_key(|place| place.list);
        for places in places.chunk_by(|one, next| one.list == next.list) {
            let Some(StatusRef { list, .. }) = places.first().copied() else { continue };
            let indexes: Vec<u64> = places.iter().map(|place| place.index).collect();
            self.store.set_bits(list, &indexes, self.list_span(list, now)).await?;
            if let Reader::Listed(lists) = &self.reader {
                places.iter().try_for_each(|place| lists.ended(*place))?;
            }
        }
        Ok(())
    }

    /// Whether a token was ended, through this reader.
    pub(super) async fn is_flagged(
        &self,
        place: StatusRef,
        reader: &Reader,
        now: UnixMillis,
    ) -> Result<bool, Error> {
        match reader {
            Reader::Listed(lists) => match lists.at_hand(place, now) {
                Some(ended) => Ok(ended),
                None => lists.read(&self.store, place, now).await,
            },
            _ => self.store.bit(place.list, place.index, now).await,
        }
    }

    /// A status list as it stands in the store, for whoever asks this process as an authority. `Unsupported` where
    /// tokens stand in none.
    pub async fn status_list(&self, list: u64, now: UnixMillis) -> Result<bytes::Bytes, Error> {
        if !self.mechanism.has(CheckKind::StatusBit) {
            return Err(Error::Unsupported("show a status list: its tokens stand in none"));
        }
        self.store.bits(list, now).await
    }

    fn list_period_ms(&self) -> u64 {
        self.mechanism.access_lifetime_ms().unwrap_or(u64::MAX)
    }

    /// Until the last token of a list has ended.
    fn list_span(&self, list: u64, now: UnixMillis) -> Span {
        let end = list.saturating_add(2).saturating_mul(self.list_period_ms());
        Span { now, until: end.saturating_add(CLOCK_MARGIN_MS) }
    }
}
