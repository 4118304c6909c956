//! Plans that are carried out one after the other in one process leave nothing in it. A test of its own process: what
//! other tests open would be counted. The long proof, `benches/repeated_plans/`, does the same 100 times.

use std::path::Path;

use figures::{Held, Yard};

#[path = "../../../benches/repeated_plans/figures.rs"]
mod figures;
#[path = "../../../benches/tiny.rs"]
mod tiny;

#[test]
fn nothing_of_a_run_stays() {
    let mut yard = Yard::new(Path::new(env!("CARGO_BIN_EXE_authbench"))).unwrap();
    // The first makes what is made once.
    yard.once().unwrap();
    let early = yard.once().unwrap();
    yard.once().unwrap();
    let late = yard.once().unwrap();
    // Memory is no exact figure after four runs, and the temporary folder belongs to others as well.
    let exact = |held: Held| Held { memory_kib: 0, folders: 0, ..held };
    assert_eq!(exact(late), exact(early));
    assert_eq!((late.children, late.keys), (0, 0), "processes, keys in a shared Redis");
}
