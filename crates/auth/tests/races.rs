//! Races that only a store which can be held still shows: a login caught between its index and its record.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

mod harness;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::store::feed::{Cursor, Page};
use auth::store::{Entry, Key, Kind, Member, Span, StoreCounters};
use auth::{
    Access, Authenticator, Bits, Error, Feed, Index, LoginAnswer, Mechanism, MemoryStore, Presented, Setup,
    Store, UnixMillis, Verdict,
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
    async fn get_and_touch(&self, key: Key<'_>, span: Span) -> Result<Option<Bytes>, Error> {
        self.0.memory.get_and_touch(key, span).await
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

impl Bits for Shared {
    async fn reserve(&self, list: u64, count: u64, span: Span) -> Result<u64, Error> {
        self.0.memory.reserve(list, count, span).await
    }
    async fn set_bits(&self, list: u64, places: &[u64], span: Span) -> Result<(), Error> {
        self.0.memory.set_bits(list, places, span).await
    }
    async fn bit(&self, list: u64, place: u64, now: UnixMillis) -> Result<bool, Error> {
        self.0.memory.bit(list, place, now).await
    }
    async fn bits(&self, list: u64, now: UnixMillis) -> Result<Bytes, Error> {
        self.0.memory.bits(list, now).await
    }
}

impl Feed for Shared {
    type Subscription = <MemoryStore as Feed>::Subscription;

    async fn append(&self, payload: Bytes, span: Span) -> Result<(), Error> {
        self.0.memory.append(payload, span).await
    }
    async fn since(&self, cursor: Cursor, limit: usize) -> Result<Page, Error> {
        self.0.memory.since(cursor, limit).await
    }
    async fn subscribe(&self) -> Result<Self::Subscription, Error> {
        self.0.memory.subscribe().await
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

type Backend = Arc<Authenticator<Shared, Users>>;

fn paused(name: &str) -> (Shared, Backend) {
    let store = Shared(Arc::new(Paused {
        memory: MemoryStore::new(),
        armed: AtomicBool::new(false),
        reached: Semaphore::new(0),
        go_on: Semaphore::new(0),
    }));
    let directory: Users = users;
    let mechanism = Mechanism::parse(&harness::file(name)).unwrap();
    let setup = Setup {
        mechanism,
        store: store.clone(),
        directory,
        passwords: harness::cheap_passwords(),
        key: None,
    };
    (store, Arc::new(Authenticator::new(setup).unwrap()))
}

async fn login(backend: Backend) -> LoginAnswer {
    backend.login(ALICE, PASSWORD, Presented::default(), T0).await.unwrap()
}

fn held(answer: LoginAnswer) -> Held {
    match answer {
        LoginAnswer::Granted(grant) => Held(grant),
        other => panic!("{other:?}"),
    }
}

/// A login that has written its place in the index and not yet its record, while `meanwhile` happens.
async fn caught(store: &Shared, backend: &Backend, meanwhile: impl Future<Output = ()>) -> LoginAnswer {
    store.0.armed.store(true, Ordering::SeqCst);
    let slow = tokio::spawn(login(Arc::clone(backend)));
    store.0.reached.acquire().await.unwrap().forget();
    meanwhile.await;
    store.0.go_on.add_permits(1);
    slow.await.unwrap()
}

/// A login that is being written while the user logs out everywhere may survive that, as one that came after it. The
/// next log-out everywhere must find it.
#[tokio::test]
async fn a_login_caught_half_written_stays_findable() {
    for name in ["session-memory", "jwt-allowlist", "jwt-refresh", "jwt-minted", "session-sliding"] {
        let (store, backend) = paused(name);
        let first = held(login(Arc::clone(&backend)).await);
        let logout = async {
            backend.logout_all(first.presented(), T0).await.unwrap();
        };
        let caught = held(caught(&store, &backend, logout).await);
        let third = held(login(Arc::clone(&backend)).await);
        backend.logout_all(third.presented(), T0).await.unwrap();
        if let Some(token) = caught.refresh() {
            let refreshed = backend.refresh(token, T0).await.unwrap();
            assert_eq!(refreshed, None, "{name}: a family that nobody can find");
        } else {
            let verdict = backend.verify(caught.presented(), Access::Read, T0).await.unwrap();
            assert!(matches!(verdict, Verdict::Rejected(_)), "{name}: a login that nobody can find");
        }
    }
}

/// Whoever disables a user or changes the password ends the logins there are; one that checked the old state and is
/// written afterwards must not be handed out.
#[tokio::test]
async fn a_login_overtaken_by_a_change_of_the_user_is_not_handed_out() {
    for name in ["session-memory", "jwt-allowlist", "jwt-refresh", "jwt-minted", "session-sliding"] {
        let (store, backend) = paused(name);
        let disable = async { backend.disable(ALICE, T0).await.unwrap() };
        assert_eq!(caught(&store, &backend, disable).await, LoginAnswer::Rejected, "{name}");
        assert_eq!(backend.totals().live_entries, Some(0), "{name}: its record stays");

        let (store, backend) = paused(name);
        let first = held(login(Arc::clone(&backend)).await);
        let change = async {
            let changed = backend.change_password(first.presented(), PASSWORD, "another password", T0).await;
            assert!(matches!(changed, Ok(Some(Verdict::Accepted { .. }))));
        };
        assert_eq!(caught(&store, &backend, change).await, LoginAnswer::Rejected, "{name}");
        assert_eq!(backend.totals().live_entries, Some(1), "{name}: only the device that changed it");
    }
}
