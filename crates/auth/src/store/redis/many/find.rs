//! Asking who answers for what: any member of a cluster, or any sentinel.

use std::sync::atomic::Ordering;
use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, RedisConnectionInfo, RedisResult,
    Value,
};

use super::map::{Address, Map};
use super::{Shared, nobody};
use crate::store::redis::{RedisTopology, slot::SLOTS};

/// One that is asked answers within this part of a step's time: then another is asked.
const PART: u32 = 2;

impl Shared {
    /// Asks one after the other, another one first each time: who has not heard of a change yet is then not believed twice
    /// in a row.
    pub(super) async fn find(&self) -> RedisResult<Map> {
        let before = self.map();
        let mut asked: Vec<ConnectionInfo> = Vec::new();
        if self.topology == RedisTopology::Cluster {
            asked.extend(before.nodes().iter().filter_map(|node| self.at(&node.address).ok()));
        }
        for seed in &self.seeds {
            if !asked.iter().any(|known| known.addr() == seed.addr()) {
                asked.push(seed.clone());
            }
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % asked.len().max(1);
        asked.rotate_left(turn);
        let mut failure = nobody();
        for one in asked {
            match self.said_by(one).await {
                Ok(ranges) => return Map::new(&before, &ranges, self),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// What one of them says: ranges of slots and who answers for them.
    async fn said_by(&self, one: ConnectionInfo) -> RedisResult<Vec<(u16, u16, Address)>> {
        let host = match one.addr() {
            ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
            ConnectionAddr::Unix(_) => String::new(),
            _ => String::new(),
        };
        match &self.topology {
            RedisTopology::Sentinel(service) => {
                // Sentinels know no users and databases of the servers that they watch.
                let one = one.set_redis_settings(RedisConnectionInfo::default());
                let mut question = redis::cmd("SENTINEL");
                question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
                let place: Option<(String, u16)> = ask(one, &question, self.timeout / PART).await?;
                let (host, port) = place.ok_or_else(nobody)?;
                Ok(vec![(0, SLOTS as u16 - 1, Address { host, port })])
            }
            _ => {
                let mut question = redis::cmd("CLUSTER");
                question.arg("SLOTS");
                let answer: Vec<Vec<Value>> = ask(one, &question, self.timeout / PART).await?;
                let ranges: Vec<_> = answer.iter().filter_map(|range| range_of(range, &host)).collect();
                // A server outside of any cluster knows of no slots.
                if ranges.is_empty() { Err(nobody()) } else { Ok(ranges) }
            }
        }
    }
}

/// One question on a connection of its own.
async fn ask<T: redis::FromRedisValue>(
    one: ConnectionInfo,
    question: &Cmd,
    patience: Duration,
) -> RedisResult<T> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        .set_response_timeout(Some(patience));
    let mut connection = Client::open(one)?.get_multiplexed_async_connection_with_config(&config).await?;
    question.query_async(&mut connection).await
}

/// `[first, last, [host, port, …], replicas…]`; a host that is not given is the one that was asked.
fn range_of(range: &[Value], asked: &str) -> Option<(u16, u16, Address)> {
    let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = range else { return None };
    let [host, Value::Int(port), ..] = &master[..] else { return None };
    let host = match host {
        Value::BulkString(bytes) if !bytes.is_empty() => String::from_utf8(bytes.clone()).ok()?,
        _ => asked.to_owned(),
    };
    Some((
        u16::try_from(*first).ok()?,
        u16::try_from(*last).ok()?,
        Address { host, port: u16::try_from(*port).ok()? },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn a_range_names_its_master_first() {
        let master = |host| Value::Array(vec![host, Value::Int(7000), text("id")]);
        let range = |host| vec![Value::Int(0), Value::Int(5460), master(host), master(text("replica"))];
        let there = |host: &str| Some((0, 5460, Address { host: host.into(), port: 7000 }));
        assert_eq!(range_of(&range(text("10.0.0.1")), "asked"), there("10.0.0.1"));
        assert_eq!(range_of(&range(Value::Nil), "asked"), there("asked"));
        assert_eq!(range_of(&range(text("")), "asked"), there("asked"));
        for wrong in [vec![], vec![Value::Int(0)], vec![Value::Int(-1), Value::Int(0), master(text("h"))]] {
            assert_eq!(range_of(&wrong, "asked"), None);
        }
    }
}
