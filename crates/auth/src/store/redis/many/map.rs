//! Who answers for which slot, and the connections to them.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager};
use redis::{Client, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, RedisResult, Value};

use super::super::connection::{Failed, manner};
use super::super::slot::SLOTS;
use super::{Shared, nothing};

/// Nobody answers for a slot.
const NOBODY: u16 = u16::MAX;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// A server and its connections, made at the first command.
pub(super) struct Node {
    pub(super) address: Address,
    client: Client,
    reads: ConnectionManager,
    /// Apart where a write waits for replicas: the server then takes nothing more from that connection.
    writes: ConnectionManager,
}

impl Node {
    fn new(address: &Address, shared: &Shared) -> RedisResult<Self> {
        let client = Client::open(shared.at(address)?)?;
        let connect = || ConnectionManager::new_lazy_with_config(client.clone(), manner(shared.timeout));
        let reads = connect()?;
        let writes = if shared.wait > 0 { connect()? } else { reads.clone() };
        Ok(Self { address: address.clone(), reads, writes, client })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends commands in one pipeline; their answers, refusals among them. A write is followed by the wait for replicas
    /// on the same connection, without which it would speak of another's writes.
    pub(super) async fn send(
        &self,
        steps: &[Cmd],
        awaited: Option<(u32, Duration)>,
        asking: bool,
    ) -> Result<Vec<Value>, Failed> {
        if let ([command], None, false) = (steps, awaited, asking) {
            let answer = self.reads.clone().req_packed_command(command).await;
            return answer.map(|value| vec![value]).map_err(Failed::Redis);
        }
        let mut pipeline = Pipeline::with_capacity(steps.len() + 2);
        if asking {
            pipeline.cmd("ASKING");
        }
        for command in steps {
            pipeline.add_command(command.clone());
        }
        if let Some((replicas, timeout)) = awaited {
            pipeline.cmd("WAIT").arg(replicas).arg(timeout.as_millis() as u64);
        }
        let sent = pipeline.cmd_iter().count();
        let mut connection = if awaited.is_some() { self.writes.clone() } else { self.reads.clone() };
        let mut values = connection.req_packed_commands(&pipeline, 0, sent).await.map_err(Failed::Redis)?;
        if values.len() != sent {
            return Err(Failed::Redis(nothing()));
        }
        if asking {
            values.remove(0);
        }
        if let Some((wanted, _)) = awaited {
            let have = match values.pop() {
                Some(Value::Int(have)) => u32::try_from(have).unwrap_or(0),
                _ => 0,
            };
            // A write that was refused is that, whatever replicas have.
            if have < wanted && !values.iter().any(|value| matches!(value, Value::ServerError(_))) {
                return Err(Failed::Unreplicated { wanted, have });
            }
        }
        Ok(values)
    }
}

/// Who answers for which slot.
pub(super) struct Map {
    nodes: Vec<Arc<Node>>,
    /// Index of the node by slot.
    owners: Vec<u16>,
}

impl Default for Map {
    fn default() -> Self {
        Self { nodes: Vec::new(), owners: vec![NOBODY; SLOTS] }
    }
}

impl Map {
    /// Of ranges of slots, both ends included; servers that are in `before` keep their connections.
    pub(super) fn new(before: &Self, ranges: &[(u16, u16, Address)], shared: &Shared) -> RedisResult<Self> {
        let mut map = Self::default();
        for (first, last, address) in ranges {
            let known = map.nodes.iter().position(|node| node.address == *address);
            let at = match known {
                Some(at) => at,
                None => {
                    map.nodes.push(match before.known(address) {
                        Some(node) => node,
                        None => Arc::new(Node::new(address, shared)?),
                    });
                    map.nodes.len() - 1
                }
            };
            if let Some(part) = map.owners.get_mut(usize::from(*first)..=usize::from(*last)) {
                // No cluster has as many masters as there are numbers.
                part.fill(at as u16);
            }
        }
        Ok(map)
    }

    /// The same, with one slot elsewhere.
    pub(super) fn with(&self, slot: u16, node: &Arc<Node>) -> Self {
        let mut map = Self { nodes: self.nodes.clone(), owners: self.owners.clone() };
        let known = map.nodes.iter().position(|known| Arc::ptr_eq(known, node));
        let at = known.unwrap_or_else(|| {
            map.nodes.push(Arc::clone(node));
            map.nodes.len() - 1
        });
        if let Some(owner) = map.owners.get_mut(usize::from(slot)) {
            *owner = at as u16;
        }
        map
    }

    /// Who answers for a slot.
    pub(super) fn owner(&self, slot: u16) -> Option<Arc<Node>> {
        let at = *self.owners.get(usize::from(slot))?;
        self.nodes.get(usize::from(at)).cloned()
    }

    /// The server at an address, also one that was not known.
    pub(super) fn node(&self, address: &Address, shared: &Shared) -> Option<Arc<Node>> {
        self.known(address).or_else(|| Node::new(address, shared).ok().map(Arc::new))
    }

    fn known(&self, address: &Address) -> Option<Arc<Node>> {
        self.nodes.iter().find(|node| node.address == *address).cloned()
    }

    /// The servers.
    pub(super) fn nodes(&self) -> &[Arc<Node>] {
        &self.nodes
    }

    /// Places of commands by the server that answers for their slots.
    pub(super) fn by_node(
        &self,
        slots: impl Iterator<Item = (usize, u16)>,
    ) -> Vec<(Option<Arc<Node>>, Vec<usize>)> {
        let mut places: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len() + 1];
        for (at, slot) in slots {
            let owner =
                self.owners.get(usize::from(slot)).map_or(self.nodes.len(), |&owner| usize::from(owner));
            places[owner.min(self.nodes.len())].push(at);
        }
        let nodes = self.nodes.iter().cloned().map(Some).chain([None]);
        nodes.zip(places).filter(|(_, places)| !places.is_empty()).collect()
    }
}

impl Shared {
    /// How to reach a server: as the first seed is, at another address.
    pub(super) fn at(&self, address: &Address) -> RedisResult<ConnectionInfo> {
        let seed = self.seeds.first().ok_or_else(super::nobody)?;
        let Address { host, port } = address.clone();
        let there = match seed.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Ok(seed.clone().set_addr(there))
    }
}
