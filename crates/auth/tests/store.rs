//! The store's own contract: each operation, over memory and over a real Redis.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod harness;

use std::time::{Duration, Instant};

use auth::store::distance::Distance;
use auth::store::{Entry, Kind, Span};
use auth::{
    AnyStore, Error, Index, MemoryStore, PostgresSettings, RedisSettings, RedisStore, SqlStore, Store,
};
use bytes::Bytes;
use harness::{PATIENCE, RedisServer, T0};

const HOUR: u64 = 3_600_000;
const SPAN: Span = Span { now: T0, until: T0 + HOUR };

fn key(id: &[u8]) -> auth::store::Key<'_> {
    auth::store::Key { kind: Kind::Live, id }
}

macro_rules! over_both_stores {
    ($($statement:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $statement() {
                super::$statement(&super::AnyStore::Memory(super::MemoryStore::new())).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test] async fn $statement() {
                let folder = super::harness::Folder::new().unwrap();
                super::$statement(&super::harness::sqlite(&folder).await).await;
            })+
        }
        /// One server for all: making one takes seconds.
        #[tokio::test]
        async fn postgres() {
            let Some(server) = harness::PostgresServer::start() else { return };
            $(
                println!("{}", stringify!($statement));
                $statement(&server.store(stringify!($statement)).await).await;
            )+
        }
        /// One cluster for all: it takes seconds until it serves.
        #[tokio::test]
        async fn cluster() {
            let cluster = harness::RedisCluster::start(Duration::from_secs(5));
            for wait in [0, 1] {
                $(
                    println!("{} wait={wait}", stringify!($statement));
                    let prefix = format!("{} {wait}", stringify!($statement));
                    $statement(&cluster.store(&prefix, Duration::from_secs(5), wait).await).await;
                )+
            }
        }
        mod redis {
            $(#[tokio::test] async fn $statement() {
                let server = super::RedisServer::start();
                super::$statement(&super::AnyStore::Redis(super::harness::connect(&server).await)).await;
            })+
        }
    };
}

over_both_stores!(
    a_value_is_written_once_read_and_taken_once,
    a_value_is_replaced_only_when_it_is_the_expected_one,
    kinds_and_ids_do_not_collide,
    bulk_forms_do_what_the_single_ones_do,
    an_index_lists_its_members_until_they_end,
    touching_prolongs_what_is_there,
    reading_and_touching_is_one_step,
);

async fn a_value_is_written_once_read_and_taken_once(store: &AnyStore) {
    assert_eq!(store.get(key(b"a"), T0).await.unwrap(), None);
    assert_eq!(store.take(key(b"a"), T0).await.unwrap(), None);
    assert!(store.put_new(key(b"a"), b"one", SPAN).await.unwrap());
    assert!(!store.put_new(key(b"a"), b"two", SPAN).await.unwrap(), "a value is overwritten");
    assert_eq!(store.get(key(b"a"), T0).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.take(key(b"a"), T0).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.take(key(b"a"), T0).await.unwrap(), None, "a value is taken twice");
    assert!(store.put_new(key(b"a"), b"", SPAN).await.unwrap());
    assert_eq!(store.get(key(b"a"), T0).await.unwrap().as_deref(), Some(&b""[..]));
}

async fn a_value_is_replaced_only_when_it_is_the_expected_one(store: &AnyStore) {
    let replaced = async |old: &[u8], new: &[u8]| store.replace_if(key(b"a"), old, new, SPAN).await.unwrap();
    assert!(!replaced(b"", b"one").await, "nothing is not an empty value");
    assert_eq!(store.get(key(b"a"), T0).await.unwrap(), None, "a replacement must not create");
    store.put_new(key(b"a"), b"\0one\xff", SPAN).await.unwrap();
    assert!(!replaced(b"one", b"two").await);
    assert!(replaced(b"\0one\xff", b"two").await);
    assert!(!replaced(b"\0one\xff", b"three").await, "an outdated writer wins");
    assert_eq!(store.get(key(b"a"), T0).await.unwrap().as_deref(), Some(&b"two"[..]));
    store.take(key(b"a"), T0).await.unwrap();
    assert!(!replaced(b"two", b"three").await, "a taken value comes back");
}

async fn kinds_and_ids_do_not_collide(store: &AnyStore) {
    let long = [b'x'; 300];
    let ids: [&[u8]; 7] = [b"a", b"a}", b"{a", b"a:b", "ü".as_bytes(), &[0xff, 0], &long];
    for kind in [Kind::Live, Kind::Deny, Kind::Epoch, Kind::Family, Kind::User] {
        for id in ids {
            let value = [kind.name().as_bytes(), id].concat();
            assert!(store.put_new(auth::store::Key { kind, id }, &value, SPAN).await.unwrap());
        }
    }
    for kind in [Kind::Live, Kind::Deny, Kind::Epoch, Kind::Family, Kind::User] {
        for id in ids {
            let value = store.get(auth::store::Key { kind, id }, T0).await.unwrap();
            assert_eq!(value.as_deref(), Some(&[kind.name().as_bytes(), id].concat()[..]));
        }
    }
}

async fn bulk_forms_do_what_the_single_ones_do(store: &AnyStore) {
    let id = |number: u32| Bytes::copy_from_slice(&number.to_be_bytes());
    let entries: Vec<_> =
        (0..5000).map(|number| Entry { id: id(number), value: id(number), span: SPAN }).collect();
    store.put_all(Kind::Live, &entries).await.unwrap();
    store.put_all(Kind::Live, &[]).await.unwrap();
    let found = store.get_many([key(&id(0)), key(b"none"), key(&id(4999))], T0).await.unwrap();
    assert_eq!(found, [Some(id(0)), None, Some(id(4999))]);
    let ids: Vec<_> = (4990..5010).map(id).collect();
    let there = store.take_all(Kind::Live, &ids, T0).await.unwrap();
    assert_eq!(there, (4990..5010).map(|number| number < 5000).collect::<Vec<_>>());
    assert!(store.take_all(Kind::Live, &[], T0).await.unwrap().is_empty());
    assert_eq!(store.get(key(&id(4995)), T0).await.unwrap(), None);
    let joined: Vec<_> = (0..3000u32).map(|number| (id(number % 2), id(number), SPAN)).collect();
    store.add_all(&joined).await.unwrap();
    assert_eq!(store.members(&id(1), T0).await.unwrap().len(), 1500);
}

async fn an_index_lists_its_members_until_they_end(store: &AnyStore) {
    let ids = async |now| {
        let mut ids: Vec<_> = store
            .members(b"alice", now)
            .await
            .unwrap()
            .into_iter()
            .map(|member| (member.id, member.until))
            .collect();
        ids.sort();
        ids
    };
    assert!(ids(T0).await.is_empty());
    let until = |hours| Span { now: T0, until: T0 + hours * HOUR };
    store.add(b"alice", b"one", until(1)).await.unwrap();
    store.add(b"alice", b"two", until(2)).await.unwrap();
    store.add(b"alice", b"two", until(3)).await.unwrap();
    store.add(b"bob", b"three", until(1)).await.unwrap();
    let (one, two) = (Bytes::from("one"), Bytes::from("two"));
    assert_eq!(ids(T0).await, [(one.clone(), T0 + HOUR), (two.clone(), T0 + 3 * HOUR)]);
    assert_eq!(ids(T0 + HOUR - 1).await.len(), 2);
    assert_eq!(ids(T0 + HOUR).await, [(two.clone(), T0 + 3 * HOUR)], "ended by itself");
    store.remove(b"alice", &[two], T0).await.unwrap();
    store.remove(b"alice", &[], T0).await.unwrap();
    store.remove(b"nobody", std::slice::from_ref(&one), T0).await.unwrap();
    assert_eq!(ids(T0).await, [(one, T0 + HOUR)]);
    assert_eq!(store.members(b"bob", T0).await.unwrap().len(), 1);
}

async fn touching_prolongs_what_is_there(store: &AnyStore) {
    let longer = Span { now: T0, until: T0 + 2 * HOUR };
    assert!(!store.touch(key(b"a"), longer).await.unwrap());
    assert_eq!(store.get(key(b"a"), T0).await.unwrap(), None, "touching must not create");
    store.put_new(key(b"a"), b"one", SPAN).await.unwrap();
    assert!(store.touch(key(b"a"), longer).await.unwrap());
    assert_eq!(store.get(key(b"a"), T0 + HOUR).await.unwrap().as_deref(), Some(&b"one"[..]));
}

async fn reading_and_touching_is_one_step(store: &AnyStore) {
    let longer = Span { now: T0, until: T0 + 2 * HOUR };
    assert_eq!(store.get_and_touch(key(b"a"), longer).await.unwrap(), None);
    assert_eq!(store.get(key(b"a"), T0).await.unwrap(), None, "it must not create");
    store.put_new(key(b"a"), b"one", SPAN).await.unwrap();
    let before = store.counters();
    let read = store.get_and_touch(key(b"a"), longer).await.unwrap();
    assert_eq!(read.as_deref(), Some(&b"one"[..]));
    let commands = u64::from(store.name() != "memory");
    assert_eq!(store.counters().commands - before.commands, commands);
    assert_eq!(store.get(key(b"a"), T0 + HOUR).await.unwrap().as_deref(), Some(&b"one"[..]));
}

/// What has ended is seen by nobody, makes way for something new, and is gone after a sweep.
async fn sql_forgets_what_has_ended(store: &SqlStore) {
    store.put_new(key(b"a"), b"one", SPAN).await.unwrap();
    store.add(b"alice", b"a", SPAN).await.unwrap();
    let later = Span { now: T0 + HOUR, until: T0 + 2 * HOUR };
    assert_eq!(store.get(key(b"a"), later.now).await.unwrap(), None);
    assert_eq!(store.get_and_touch(key(b"a"), later).await.unwrap(), None);
    assert!(!store.replace_if(key(b"a"), b"one", b"two", later).await.unwrap());
    assert!(store.put_new(key(b"a"), b"new", later).await.unwrap());
    store.put_new(key(b"b"), b"old", SPAN).await.unwrap();
    assert_eq!(store.take(key(b"b"), later.now).await.unwrap(), None);
    store.put_new(key(b"c"), b"old", SPAN).await.unwrap();
    store.sweep(later.now).await.unwrap();
    // By a clock that is behind, what was swept would still be there.
    assert_eq!(store.get(key(b"c"), T0).await.unwrap(), None);
    assert!(store.members(b"alice", T0).await.unwrap().is_empty());
    assert_eq!(store.get(key(b"a"), T0).await.unwrap().as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn sqlite_forgets_what_has_ended() {
    let folder = harness::Folder::new().unwrap();
    let AnyStore::Sql(store) = harness::sqlite(&folder).await else { unreachable!() };
    sql_forgets_what_has_ended(&store).await;
}

#[tokio::test]
async fn postgres_forgets_what_has_ended_and_is_an_error_when_it_is_gone() {
    let Some(mut server) = harness::PostgresServer::start() else { return };
    let AnyStore::Sql(store) = server.store("ended").await else { unreachable!() };
    sql_forgets_what_has_ended(&store).await;
    server.stop();
    for _ in 0..3 {
        let answer = tokio::time::timeout(PATIENCE, store.get(key(b"a"), T0)).await.expect("an answer");
        assert!(matches!(answer, Err(Error::Store(_))), "{answer:?}");
    }
    server.go_on();
    let again = async {
        while store.get(key(b"a"), T0).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("it answers again");
}

#[tokio::test]
async fn an_address_that_is_none_of_postgres_is_an_error_without_its_password() {
    for url in ["postgres://me:hunter2@127.0.0.1:1/x", "redis://me:hunter2@host/0", "me:hunter2@host", ""] {
        let settings = PostgresSettings {
            url: url.into(),
            prefix: "p".into(),
            timeout: Duration::from_millis(500),
            distance: Duration::ZERO,
        };
        let error = tokio::time::timeout(PATIENCE, SqlStore::postgres(&settings)).await.unwrap().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn memory_is_given_back_after_expiry() {
    let store = MemoryStore::new();
    let entries: Vec<_> = (0..100_000u32)
        .map(|number| Entry {
            id: Bytes::copy_from_slice(&number.to_be_bytes()),
            value: Bytes::new(),
            span: SPAN,
        })
        .collect();
    store.put_all(Kind::Live, &entries).await.unwrap();
    store.add(b"alice", b"one", SPAN).await.unwrap();
    assert_eq!((store.count(Kind::Live), store.count(Kind::Index)), (Some(100_000), Some(1)));
    assert_eq!(
        store.get(key(&7u32.to_be_bytes()), T0 + HOUR).await.unwrap(),
        None,
        "expired is gone for readers"
    );
    store.sweep(T0 + HOUR);
    assert_eq!((store.count(Kind::Live), store.count(Kind::Index)), (Some(0), Some(0)));
}

#[tokio::test]
async fn insertions_sweep_what_has_expired() {
    let store = MemoryStore::new();
    for hour in 0..50 {
        let span = Span { now: T0 + hour * HOUR, until: T0 + (hour + 1) * HOUR };
        let entry = |number: u64| Entry {
            id: Bytes::copy_from_slice(&(hour << 32 | number).to_be_bytes()),
            value: Bytes::new(),
            span,
        };
        store.put_all(Kind::Deny, &(0..10_000).map(entry).collect::<Vec<_>>()).await.unwrap();
    }
    let kept = store.count(Kind::Deny).unwrap();
    assert!(kept < 60_000, "{kept} of 500,000 entries are still there, 10,000 of them alive");
}

#[tokio::test]
async fn a_store_that_hangs_is_an_error_in_time() {
    let server = RedisServer::start();
    let settings = RedisSettings {
        prefix: "p".into(),
        timeout: Duration::from_secs(1),
        ..RedisSettings::one(server.url())
    };
    let store = RedisStore::connect(&settings).await.unwrap();
    let pid = rustix::process::Pid::from_raw(server.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let answer = tokio::time::timeout(PATIENCE, store.get(key(b"a"), T0)).await;
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    let error = answer.expect("a hanging store must not hang its callers").unwrap_err();
    assert!(matches!(&error, Error::Store(why) if why.contains("1000 ms")), "{error}");
    let again = async {
        while store.get(key(b"a"), T0).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("it answers again");
}

#[tokio::test]
async fn an_address_that_cannot_work_is_an_error_without_its_password() {
    for url in [
        "redis://me:hunter2@127.0.0.1:1/0",
        "redis+unix:///nowhere/redis.sock?pass=hunter2",
        "me:hunter2@host",
        "http://me:hunter2@127.0.0.1:1/",
        "",
    ] {
        let settings = RedisSettings {
            prefix: "p".into(),
            timeout: Duration::from_millis(500),
            ..RedisSettings::one(url)
        };
        let error =
            tokio::time::timeout(PATIENCE, RedisStore::connect(&settings)).await.unwrap().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the statement is about real time: a wait is never shorter than asked"
)]
async fn a_modelled_distance_is_never_shorter_than_asked() {
    Distance::new(Duration::ZERO).travel().await.unwrap();
    let delay = Duration::from_micros(250);
    let distance = std::sync::Arc::new(Distance::new(delay));
    let mut waits = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let distance = std::sync::Arc::clone(&distance);
        waits.spawn(async move {
            let start = Instant::now();
            distance.travel().await.unwrap();
            start.elapsed()
        });
    }
    while let Some(waited) = waits.join_next().await {
        assert!(waited.unwrap() >= delay);
    }
    // Dropped waits leave nothing behind that disturbs the next ones.
    for _ in 0..10 {
        drop(tokio::time::timeout(Duration::ZERO, distance.travel()).await);
    }
    let start = Instant::now();
    distance.travel().await.unwrap();
    assert!(start.elapsed() >= delay);
}

/// A cluster that notices the loss of a member within seconds, and steps that end within seconds: what is not lost answers in
/// that time on any machine.
const NODE_TIMEOUT: Duration = Duration::from_secs(2);
const STEP: Duration = Duration::from_secs(5);

/// The text of the key that [`key`] makes under this prefix.
fn text(prefix: &str, id: &[u8]) -> String {
    use base64::Engine;
    format!("{prefix}:live:{{{}}}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id))
}

/// What a store says of a key once it answers.
async fn in_time(store: &AnyStore, id: &[u8]) -> Option<Bytes> {
    let answered = async {
        loop {
            match store.get(key(id), T0).await {
                Ok(value) => return value,
                Err(Error::Store(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, answered).await.expect("a replica takes over")
}

#[tokio::test]
async fn a_replica_takes_over_from_a_master_that_was_killed() {
    let mut cluster = harness::RedisCluster::start(NODE_TIMEOUT);
    let store = cluster.store("killed", STEP, 1).await;
    assert!(store.put_new(key(b"a"), b"one", SPAN).await.unwrap());
    let master = cluster.master_of(&text("killed", b"a"));
    cluster.kill(master);
    assert_eq!(in_time(&store, b"a").await.as_deref(), Some(&b"one"[..]));
    // No replica is left that could have it: it is written, and not acknowledged.
    let written = store.replace_if(key(b"a"), b"one", b"two", SPAN).await;
    assert!(matches!(&written, Err(Error::Store(_))), "{written:?}");
    let other = cluster.store("killed", STEP, 0).await;
    assert_eq!(in_time(&other, b"a").await.as_deref(), Some(&b"two"[..]), "{written:?}");
    assert!(other.replace_if(key(b"a"), b"two", b"three", SPAN).await.unwrap());
}

#[tokio::test]
async fn a_replica_takes_over_from_a_master_that_hangs() {
    let cluster = harness::RedisCluster::start(NODE_TIMEOUT);
    let store = cluster.store("hung", STEP, 1).await;
    assert!(store.put_new(key(b"a"), b"one", SPAN).await.unwrap());
    let master = cluster.master_of(&text("hung", b"a"));
    cluster.stop(master);
    let value = in_time(&store, b"a").await;
    cluster.go_on(master);
    assert_eq!(value.as_deref(), Some(&b"one"[..]));
    // What was the master is a replica now, and sends whoever still asks it on.
    assert!(store.take(key(b"a"), T0).await.is_ok());
}

#[tokio::test]
async fn what_no_replica_had_is_lost_with_its_master_unless_it_was_waited_for() {
    let mut cluster = harness::RedisCluster::start(NODE_TIMEOUT);
    let (hasty, careful) = (cluster.store("lost", STEP, 0).await, cluster.store("lost", STEP, 1).await);
    let master = cluster.master_of(&text("lost", b"a"));
    cluster.part_from_replica(master);
    assert!(hasty.put_new(key(b"a"), b"acknowledged", SPAN).await.unwrap());
    let refused = careful.put_new(key(b"a}"), b"never", SPAN).await;
    // Another key may lie with another master, whose replica has it.
    let same = cluster.master_of(&text("lost", b"a}")) == master;
    assert_eq!(refused.is_err(), same, "{refused:?}");
    let told = careful.touch(key(b"a"), SPAN).await;
    assert!(told.unwrap(), "only writes wait");
    let taken = careful.replace_if(key(b"a"), b"acknowledged", b"unsure", SPAN).await.unwrap_err();
    assert!(
        taken.to_string().contains("it may be lost") || taken.to_string().contains("no answer"),
        "{taken}"
    );
    cluster.kill(master);
    cluster.go_on(cluster.replica_of(master));
    assert_eq!(in_time(&hasty, b"a").await, None, "acknowledged, and lost");
}

#[tokio::test]
async fn an_address_where_no_cluster_is_is_an_error_without_its_password() {
    let alone = RedisServer::start();
    for (url, topology) in [
        ("redis://me:hunter2@127.0.0.1:1", auth::RedisTopology::Cluster),
        ("redis://me:hunter2@127.0.0.1:1", auth::RedisTopology::Sentinel("main".into())),
        (alone.url().as_str(), auth::RedisTopology::Cluster),
        (alone.url().as_str(), auth::RedisTopology::Sentinel("main".into())),
    ] {
        let settings = RedisSettings { topology, ..RedisSettings::one(url) };
        let error =
            tokio::time::timeout(PATIENCE, RedisStore::connect(&settings)).await.unwrap().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
