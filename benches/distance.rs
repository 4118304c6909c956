//! Accuracy of the modelled store distance: what a wait of 0.25, 0.5 and 1 ms really takes.
//!
//! `cargo bench -p benches --bench distance`. What exceeds the asked delay is the error of the model, and belongs beside
//! every figure measured at a distance.

use std::time::Duration;

use auth::store::distance::Distance;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn distance(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    let mut group = criterion.benchmark_group("distance");
    for micros in [0, 250, 500, 1000] {
        let distance = Distance::new(Duration::from_micros(micros));
        group.bench_with_input(BenchmarkId::new("microseconds", micros), &distance, |bench, distance| {
            bench.to_async(&runtime).iter(|| distance.travel());
        });
    }
    group.finish();
}

criterion_group!(benches, distance);
criterion_main!(benches);
