//! Races that only a store which can be held still shows: a login caught between its index and its record.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::store::{Entry, Key, Kind, Member, Span, StoreCounters};
use auth::{
    Access, Authenticator, Error, Index, LoginAnswer, Mechanism, MemoryStore, Presented, Setup, Store,
    UnixMillis, Verdict,
};
use bytes::Bytes;
use harness::{ALICE, Held, PASSWORD, T0, Users, users};
use tokio::sync::Semaphore;

/// Memory that can be told to wait before it writes a login's record.
struct Paused {
    memory: MemoryStore,
    armed: AtomicBool,
    reached: Semaphore,
    go_on: Semaphore,
}

#[derive(Clone)]
struct Shared(Arc<Paused>);

impl Store for Shared {
    async fn put_new(&self, key: Key<'_>, value: &[u8], span: Span) -> Result<bool, Error> {
        if matches!(key.kind, Kind::Live | Kind::Family) && self.0.armed.swap(false, Ordering::SeqCst) {
            self.0.reached.add_permits(1);
            self.0.go_on.acquire().await.unwrap().forget();
        }
        self.0.memory.put_new(key, value, span).await
    }
    async fn get(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        self.0.memory.get(key, now).await
    }
    async fn get_many<const N: usize>(
        &self,
        keys: [Key<'_>; N],
        now: UnixMillis,
    ) -> Result<[Option<Bytes>; N], Error> {
        self.0.memory.get_many(keys, now).await
    }
    async fn take(&self, key: Key<'_>, now: UnixMillis) -> Result<Option<Bytes>, Error> {
        self.0.memory.take(key, now).await
    }
    async fn replace_if(&self, key: Key<'_>, old: &[u8], new: &[u8], span: Span) -> Result<bool, Error> {
        self.0.memory.replace_if(key, old, new, span).await
    }
    async fn touch(&self, key: Key<'_>, span: Span) -> Result<bool, Error> {
        self.0.memory.touch(key, span).await
    }
    async fn put_all(&self, kind: Kind, entries: &[Entry]) -> Result<(), Error> {
        self.0.memory.put_all(kind, entries).await
    }
    async fn take_all(&self, kind: Kind, ids: &[Bytes], now: UnixMillis) -> Result<Vec<bool>, Error> {
        self.0.memory.take_all(kind, ids, now).await
    }
    fn counters(&self) -> StoreCounters {
        self.0.memory.counters()
    }
    fn count(&self, kind: Kind) -> Option<u64> {
        self.0.memory.count(kind)
    }
    fn name(&self) -> &'static str {
        "paused memory"
    }
}

impl Index for Shared {
    async fn add(&self, user: &[u8], member: &[u8], span: Span) -> Result<(), Error> {
        self.0.memory.add(user, member, span).await
    }
    async fn members(&self, user: &[u8], now: UnixMillis) -> Result<Vec<Member>, Error> {
        self.0.memory.members(user, now).await
    }
    async fn remove(&self, user: &[u8], members: &[Bytes], now: UnixMillis) -> Result<(), Error> {
        self.0.memory.remove(user, members, now).await
    }
    async fn add_all(&self, members: &[(Bytes, Bytes, Span)]) -> Result<(), Error> {
        self.0.memory.add_all(members).await
    }
}

/// A login that is being written while the user logs out everywhere may survive that, as one that came after it. The
/// next log-out everywhere must find it.
#[tokio::test]
async fn a_login_caught_half_written_stays_findable() {
    for name in ["session-memory", "jwt-allowlist", "jwt-refresh"] {
        let paused = Paused {
            memory: MemoryStore::new(),
            armed: AtomicBool::new(false),
            reached: Semaphore::new(0),
            go_on: Semaphore::new(0),
        };
        let store = Shared(Arc::new(paused));
        let directory: Users = users;
        let mechanism = Mechanism::parse(&harness::file(name)).unwrap();
        let checked = !mechanism.checks.is_empty();
        let passwords = harness::cheap_passwords();
        let setup = Setup { mechanism, store: store.clone(), directory, passwords, key: None };
        let backend = Arc::new(Authenticator::new(setup).unwrap());
        let login = async |backend: &Authenticator<Shared, Users>| match backend
            .login(ALICE, PASSWORD, Presented::default(), T0)
            .await
            .unwrap()
        {
            LoginAnswer::Granted(grant) => Held(grant),
            other => panic!("{other:?}"),
        };
        let first = login(&backend).await;

        store.0.armed.store(true, Ordering::SeqCst);
        let slow = tokio::spawn({
            let backend = Arc::clone(&backend);
            async move {
                match backend.login(ALICE, PASSWORD, Presented::default(), T0).await.unwrap() {
                    LoginAnswer::Granted(grant) => Held(grant),
                    other => panic!("{other:?}"),
                }
            }
        });
        store.0.reached.acquire().await.unwrap().forget();
        backend.logout_all(first.presented(), T0).await.unwrap();
        store.0.go_on.add_permits(1);
        let caught = slow.await.unwrap();

        let third = login(&backend).await;
        backend.logout_all(third.presented(), T0).await.unwrap();
        if checked {
            let verdict = backend.verify(caught.presented(), Access::Read, T0).await.unwrap();
            assert!(matches!(verdict, Verdict::Rejected(_)), "{name}: a login that nobody can find");
        } else {
            let refreshed = backend.refresh(caught.refresh().unwrap(), T0).await.unwrap();
            assert_eq!(refreshed, None, "{name}: a family that nobody can find");
        }
    }
}
