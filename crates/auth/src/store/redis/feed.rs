//! The log in Redis: a stream, whose every append is published as well, in one script on one key.

use std::pin::pin;

use bytes::Bytes;
use futures_util::StreamExt;
use redis::Msg;
use redis::aio::PubSub;

use super::connection::Effect;
use super::{RedisStore, command};
use crate::error::Error;
use crate::store::Span;
use crate::store::feed::{Change, Cursor, Feed, Message, Page, Subscription};

/// Appends, drops what no longer matters, and publishes `PREVIOUS NEW PAYLOAD`.
///
/// A stream's ids are times of the server's clock and only grow while the key lives; a key that was lost begins anew,
/// which a reader sees because its cursor is not there.
pub(super) const APPEND: &str = "\
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local previous = last[1] and last[1][1] or '0-0'
local new = redis.call('XADD', KEYS[1], '*', 'c', ARGV[1])
local oldest = string.format('%.0f', tonumber(string.match(new, '^%d+')) - tonumber(ARGV[2]))
redis.call('XTRIM', KEYS[1], 'MINID', '~', oldest)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call('PUBLISH', KEYS[1], previous .. ' ' .. new .. ' ' .. ARGV[1])
return new";

/// An entry of the stream: its id, and field and value in turn.
type Entry = (String, Vec<Vec<u8>>);

impl RedisStore {
    /// The key of the log, which is also the name of its channel.
    fn log(&self) -> String {
        format!("{}:feed:{{ended}}", self.prefix)
    }
}

impl Feed for RedisStore {
    type Subscription = Listening;

    async fn append(&self, payload: Bytes, span: Span) -> Result<(), Error> {
        self.travel(1).await?;
        let ttl = span.ttl_ms().to_string();
        let arguments = [&payload[..], ttl.as_bytes()];
        self.connection
            .call::<String>(Effect::WriteOnce, &self.append, &self.log(), &arguments)
            .await
            .map(drop)
    }

    async fn since(&self, cursor: Cursor, limit: usize) -> Result<Page, Error> {
        let mut range = command("XRANGE", &self.log());
        // The change at the cursor is asked for as well: whether it is still there says whether any was missed.
        range.arg(format!("{}-{}", cursor.millis, cursor.number)).arg("+").arg("COUNT").arg(limit + 2);
        let entries: Vec<Entry> = self.ask(Effect::Read, &range).await?;
        let mut changes = entries.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let known = changes.first().is_some_and(|change| change.at == cursor);
        if known {
            changes.remove(0);
        }
        let more = changes.len() > limit;
        changes.truncate(limit);
        Ok(Page { changes, more, lost: cursor != Cursor::START && !known })
    }

    async fn subscribe(&self) -> Result<Listening, Error> {
        self.travel(1).await?;
        Ok(Listening { connection: self.connection.listen(&self.log()).await? })
    }
}

/// A connection of its own, listening.
pub struct Listening {
    connection: PubSub,
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Listening").finish_non_exhaustive()
    }
}

impl Subscription for Listening {
    async fn next(&mut self) -> Option<Message> {
        // A message that is not ours is a gap: the log says what really happened.
        pin!(self.connection.on_message()).next().await.as_ref().and_then(message)
    }
}

fn message(message: &Msg) -> Option<Message> {
    let bytes = message.get_payload_bytes();
    let mut parts = bytes.splitn(3, |byte| *byte == b' ');
    let mut next = || cursor(std::str::from_utf8(parts.next()?).ok()?);
    let (previous, at) = (next()?, next()?);
    let payload = Bytes::copy_from_slice(parts.next()?);
    Some(Message { previous, change: Change { at, payload } })
}

fn read((id, fields): Entry) -> Result<Change, Error> {
    let payload = fields.into_iter().nth(1).map(Bytes::from);
    let change = cursor(&id).zip(payload).map(|(at, payload)| Change { at, payload });
    change.ok_or_else(|| Error::Store("an entry in the log of ended logins is not one of ours".into()))
}

fn cursor(id: &str) -> Option<Cursor> {
    let (millis, number) = id.split_once('-')?;
    Some(Cursor { millis: millis.parse().ok()?, number: number.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::{Cursor, cursor};

    #[test]
    fn ids_of_a_stream_are_cursors() {
        assert_eq!(cursor("1526919030474-55"), Some(Cursor { millis: 1_526_919_030_474, number: 55 }));
        assert_eq!(cursor("0-0"), Some(Cursor::START));
        for wrong in ["", "-", "1", "1-", "-1", "a-1", "1-1-1", "99999999999999999999-1"] {
            assert_eq!(cursor(wrong), None, "{wrong}");
        }
    }
}
