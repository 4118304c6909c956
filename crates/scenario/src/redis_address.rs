//! The address of a Redis: one server, the members of a cluster, or the sentinels that know a master.
//!
//! ```text
//! redis://[USER:PASSWORD@]HOST:PORT[/DB]                          one server; rediss:// with TLS, redis+unix:// a socket
//! redis+cluster://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]          any members of a cluster; rediss+cluster:// with TLS
//! redis+sentinel://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…]/SERVICE  sentinels that watch this service; rediss+sentinel://
//! ```
//!
//! The last two take `?wait=N`: a write is acknowledged once N replicas have it.

/// Replicas that a write can wait for, at most.
const MOST_REPLICAS: u32 = 100;

/// What the servers of an address are to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// There is one.
    One,
    /// Members of a cluster: any of them knows the others.
    Cluster,
    /// Sentinels.
    Sentinel {
        /// The service they watch.
        service: String,
    },
}

/// An address, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// Addresses of one server each, with user and password where those were given; at least one.
    pub servers: Vec<String>,
    /// What they are to each other.
    pub topology: Topology,
    /// Replicas that must have a write before it is acknowledged.
    pub wait: u32,
}

impl RedisAddress {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// A sentence without the address, which may hold a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        let known = || "it begins with redis://, rediss://, redis+cluster:// or redis+sentinel://".to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(known)?;
        let (single, topology) = match scheme {
            "redis" | "rediss" | "redis+unix" | "unix" if !rest.is_empty() => {
                return Ok(Self { servers: vec![text.to_owned()], topology: Topology::One, wait: 0 });
            }
            "redis+cluster" => ("redis", Topology::Cluster),
            "rediss+cluster" => ("rediss", Topology::Cluster),
            "redis+sentinel" => ("redis", Topology::Sentinel { service: String::new() }),
            "rediss+sentinel" => ("rediss", Topology::Sentinel { service: String::new() }),
            _ => return Err(known()),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = match authority.rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), authority),
        };
        let topology = match (topology, path) {
            (Topology::Cluster, "") => Topology::Cluster,
            (Topology::Cluster, _) => return Err("a cluster has no numbered databases".into()),
            (_, "") => return Err("the sentinels' service is missing: …/SERVICE".into()),
            (_, service) if service.contains('/') => return Err("a service's name has no `/`".into()),
            (_, service) => Topology::Sentinel { service: service.to_owned() },
        };
        let server = |host: &str| {
            let port = host.rsplit_once(':').filter(|(name, _)| !name.is_empty()).map(|(_, port)| port);
            match port.and_then(|port| port.parse::<u16>().ok()) {
                Some(_) => Ok(format!("{single}://{user}{host}")),
                None => Err("each of its servers is HOST:PORT, with commas between them".to_owned()),
            }
        };
        let servers = hosts.split(',').map(server).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { servers, topology, wait: wait(query)? })
    }
}

/// `wait=N`, or nothing.
fn wait(query: &str) -> Result<u32, String> {
    match query.split_once('=') {
        None if query.is_empty() => Ok(0),
        Some(("wait", count)) => count
            .parse()
            .ok()
            .filter(|count| *count <= MOST_REPLICAS)
            .ok_or_else(|| format!("`wait` is a number of replicas, at most {MOST_REPLICAS}")),
        _ => Err("the one thing that may stand behind its `?` is wait=N".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_server_is_handed_on_as_it_is() {
        for text in
            ["redis://h:1/2", "rediss://me:p@ss@h", "redis+unix:///run/redis.sock?pass=x", "unix:///s"]
        {
            let address = RedisAddress::parse(text).unwrap();
            assert_eq!(
                address,
                RedisAddress { servers: vec![text.into()], topology: Topology::One, wait: 0 }
            );
        }
    }

    #[test]
    fn members_share_scheme_user_and_password() {
        let address = RedisAddress::parse("rediss+cluster://me:p@ss@a:1,[::1]:2,c:3?wait=1").unwrap();
        let servers = ["rediss://me:p@ss@a:1", "rediss://me:p@ss@[::1]:2", "rediss://me:p@ss@c:3"];
        assert_eq!(address.servers, servers);
        assert_eq!((address.topology, address.wait), (Topology::Cluster, 1));
        let address = RedisAddress::parse("redis+sentinel://a:1,b:2/main").unwrap();
        assert_eq!(address.servers, ["redis://a:1", "redis://b:2"]);
        assert_eq!((address.topology, address.wait), (Topology::Sentinel { service: "main".into() }, 0));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_address() {
        for (text, part) in [
            ("", "begins with"),
            ("redis://", "begins with"),
            ("http://:secret@h:1", "begins with"),
            ("redis+cluster://", "HOST:PORT"),
            ("redis+cluster://:secret@a:1,,b:2", "HOST:PORT"),
            ("redis+cluster://a", "HOST:PORT"),
            ("redis+cluster://:1", "HOST:PORT"),
            ("redis+cluster://a:99999", "HOST:PORT"),
            ("redis+cluster://:secret@a:1/0", "databases"),
            ("redis+sentinel://:secret@a:1", "service"),
            ("redis+sentinel://:secret@a:1/b/c", "service"),
            ("redis+cluster://a:1?wait=x", "wait"),
            ("redis+cluster://a:1?wait=101", "wait"),
            ("redis+cluster://a:1?weit=1", "wait=N"),
        ] {
            let message = RedisAddress::parse(text).unwrap_err();
            assert!(message.contains(part) && !message.contains("secret"), "{text}: {message}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(scheme in "(redis|rediss)?(\\+cluster|\\+sentinel)?", rest in "\\PC{0,60}") {
            let _ = RedisAddress::parse(&format!("{scheme}://{rest}"));
            let _ = RedisAddress::parse(&rest);
        }
    }
}
