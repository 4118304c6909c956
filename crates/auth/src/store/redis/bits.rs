//! The status lists in Redis: a bitmap and a counter for each, two keys that no step touches together.

use bytes::Bytes;

use super::connection::Effect;
use super::{RedisStore, command};
use crate::answer::UnixMillis;
use crate::error::Error;
use crate::store::bits::{Bits, LARGEST};
use crate::store::{Key, Kind, Span};

/// Bits set in one command.
const BULK: usize = 2048;

/// Redis counts the bits of a byte from the most significant one, status lists from the least: written like this, the
/// bytes are those of the list.
fn offset(place: u64) -> u64 {
    place ^ 7
}

impl RedisStore {
    fn list(&self, list: u64) -> String {
        self.key(Key { kind: Kind::Status, id: list.to_string().as_bytes() })
    }
}

impl Bits for RedisStore {
    async fn reserve(&self, list: u64, count: u64, span: Span) -> Result<u64, Error> {
        let key = format!("{}:places:{{{list}}}", self.prefix);
        let (mut add, mut expire) = (command("INCRBY", &key), command("PEXPIRE", &key));
        add.arg(count);
        expire.arg(span.ttl_ms());
        let [next, _]: [u64; 2] = self.transact(Effect::WriteOnce, [add, expire]).await?;
        let largest = LARGEST as u64 * 8;
        if next > largest {
            return Err(Error::Store(format!("a status list of {largest} tokens is full")));
        }
        Ok(next.saturating_sub(count))
    }

    async fn set_bits(&self, list: u64, places: &[u64], span: Span) -> Result<(), Error> {
        let key = self.list(list);
        for chunk in places.chunks(BULK) {
            let (mut set, mut expire) = (command("BITFIELD", &key), command("PEXPIRE", &key));
            for place in chunk {
                set.arg("SET").arg("u1").arg(offset(*place)).arg(1);
            }
            expire.arg(span.ttl_ms());
            let _: [(); 2] = self.transact(Effect::Write, [set, expire]).await?;
        }
        Ok(())
    }

    async fn bit(&self, list: u64, place: u64, _now: UnixMillis) -> Result<bool, Error> {
        let mut get = command("GETBIT", &self.list(list));
        get.arg(offset(place));
        self.ask(Effect::Read, &get).await
    }

    async fn bits(&self, list: u64, _now: UnixMillis) -> Result<Bytes, Error> {
        let value: Option<Vec<u8>> = self.ask(Effect::Read, &command("GET", &self.list(list))).await?;
        Ok(value.unwrap_or_default().into())
    }
}
