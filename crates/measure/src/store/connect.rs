//! One way to reach a Redis: bounded waits, and an address without its password in every message.

use std::time::Duration;

use redis::{Client, Connection, ErrorKind, IntoConnectionInfo, RedisError, RedisResult, Value};
use scenario::redis_address::{RedisAddress, Topology};

use crate::error::Error;
use crate::redact::redact;

/// Longest wait for a connection or an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server, as it is named in messages.
#[derive(Debug, Clone)]
pub(super) struct Place {
    row: String,
    /// Without credentials.
    pub(super) address: String,
}

impl Place {
    pub(super) fn new(row: &str, url: &str) -> Self {
        Self { row: row.to_owned(), address: redact(url) }
    }

    /// What went wrong there, with `what` before what Redis says.
    pub(super) fn failed(&self, what: &str, error: &RedisError) -> Error {
        self.refused(format!("{what}{}", redact(&error.to_string())))
    }

    fn refused(&self, message: String) -> Error {
        Error::Store { row: self.row.clone(), address: self.address.clone(), message }
    }
}

/// A connection that never waits for long.
pub(super) fn connect(place: &Place, url: &str) -> Result<Connection, Error> {
    let open = || {
        let client = Client::open(url.into_connection_info()?)?;
        let connection = client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    };
    open().map_err(|error| place.failed("", &error))
}

/// Addresses of the servers that take writes at an address: itself, the masters of its cluster, or the one that its
/// sentinels name.
pub(super) fn masters(place: &Place, url: &str) -> Result<Vec<String>, Error> {
    let address = RedisAddress::parse(url).map_err(|message| place.refused(message))?;
    let mut failure = place.refused("nobody there knows of a master".to_owned());
    for server in &address.servers {
        let found = match &address.topology {
            Topology::One => return Ok(vec![server.clone()]),
            Topology::Cluster => connect(place, server).and_then(|mut connection| {
                slots(&mut connection, host_of(server)).map_err(|error| place.failed("", &error))
            }),
            Topology::Sentinel { service } => {
                // Sentinels know no users of the servers that they watch.
                connect(place, &at(server, None)).and_then(|mut connection| {
                    watched(&mut connection, service).map_err(|error| place.failed("", &error))
                })
            }
        };
        match found {
            Ok(places) if !places.is_empty() => {
                return Ok(places.iter().map(|place| at(server, Some(place))).collect());
            }
            Ok(_) => {}
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// `HOST:PORT` of every master of a cluster. One that gives no host of its own is at `asked`.
fn slots(connection: &mut Connection, asked: &str) -> RedisResult<Vec<String>> {
    let ranges: Vec<Vec<Value>> = redis::cmd("CLUSTER").arg("SLOTS").query(connection)?;
    let mut places = Vec::new();
    for range in &ranges {
        let Some(Value::Array(master)) = range.get(2) else { continue };
        let [host, Value::Int(port), ..] = &master[..] else { continue };
        let host = match host {
            Value::BulkString(host) if !host.is_empty() => String::from_utf8_lossy(host),
            _ => asked.into(),
        };
        let place = named(&host, *port);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

fn watched(connection: &mut Connection, service: &str) -> RedisResult<Vec<String>> {
    let mut question = redis::cmd("SENTINEL");
    let place: Option<(String, u16)> =
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(service).query(connection)?;
    match place {
        Some((host, port)) => Ok(vec![named(&host, port.into())]),
        None => {
            Err((ErrorKind::MasterNameNotFoundBySentinel, "the sentinels know no service of this name")
                .into())
        }
    }
}

/// `HOST:PORT`, as it stands in an address.
fn named(host: &str, port: i64) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The host in the address of a server.
fn host_of(server: &str) -> &str {
    let host = server.rsplit_once('@').or_else(|| server.split_once("://")).map_or(server, |(_, host)| host);
    host.rsplit_once(':').map_or(host, |(host, _)| host)
}

/// The address of another server that is reached as this one is; without a place this one, without its user.
fn at(server: &str, place: Option<&str>) -> String {
    let (scheme, rest) = server.split_once("://").unwrap_or(("redis", server));
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (format!("{user}@"), host),
        None => (String::new(), rest),
    };
    match place {
        Some(place) => format!("{scheme}://{user}{place}"),
        None => format!("{scheme}://{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{at, host_of, named};

    #[test]
    fn another_server_is_reached_with_the_same_user() {
        assert_eq!(at("rediss://me:p@ss@a:1", Some("b:2")), "rediss://me:p@ss@b:2");
        assert_eq!(at("redis://a:1", Some("b:2")), "redis://b:2");
        assert_eq!(at("redis://me:p@ss@a:1", None), "redis://a:1");
        assert_eq!((host_of("rediss://me:p@ss@a:1"), host_of("redis://[::1]:2")), ("a", "[::1]"));
        assert_eq!(
            (named("::1", 2), named("[::1]", 2), named("a", 1)),
            ("[::1]:2".into(), "[::1]:2".into(), "a:1".into())
        );
    }
}
