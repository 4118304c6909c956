//! Bulk set-up: credentials per second for every backend, over memory and over Redis.
//!
//! `cargo bench -p benches --bench provision`. The requirement is 50,000 credentials per second, RSA excepted.

use auth::{Account, AnyStore, MemoryStore};
use benches::backends::{NOW, PrivateRedis, SHIPPED, Subject, file, principal};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Accounts per iteration: what the control port sends on in one piece.
const ACCOUNTS: u32 = 10_000;

fn provision(criterion: &mut Criterion) {
    let server = PrivateRedis::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    let principals: Vec<_> = (0..ACCOUNTS).map(principal).collect();
    let accounts: Vec<_> = principals.iter().map(|principal| Account { principal }).collect();
    for redis in [false, true] {
        let mut group = criterion.benchmark_group(if redis { "provision/redis" } else { "provision/memory" });
        group.throughput(Throughput::Elements(u64::from(ACCOUNTS))).sample_size(10);
        for name in SHIPPED {
            let store = match (redis, &server) {
                (false, _) => AnyStore::Memory(MemoryStore::new()),
                (true, Some(server)) => {
                    runtime.block_on(server.store()).unwrap_or_else(|error| panic!("{error}"))
                }
                (true, None) => continue,
            };
            let subject =
                runtime.block_on(Subject::new(&file(name), store)).unwrap_or_else(|error| panic!("{error}"));
            let mut now = NOW;
            group.bench_function(name, |bench| {
                bench.iter(|| {
                    // A login of eight hours ends two iterations later: the store does not grow for ever.
                    now += 4 * 3_600_000;
                    runtime.block_on(subject.backend.provision(&accounts, now))
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, provision);
criterion_main!(benches);
