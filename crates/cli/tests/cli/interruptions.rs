//! Runs that are interrupted: what they leave. The long proof, `benches/interruptions/`, does the same 200 times.

use std::path::Path;

use trial::{Ground, Interruption, Moment};

use crate::tiny;

#[path = "../../../../benches/interruptions/trial.rs"]
#[expect(dead_code, reason = "the long proof waits for times as well, which no test may")]
mod trial;

#[test]
fn whatever_ends_a_run_its_finished_blocks_stand_and_nothing_else_is_left() {
    // So many rounds that none of them ends by itself.
    let mut ground = Ground::new(Path::new(env!("CARGO_BIN_EXE_authbench")), 9000).unwrap();
    // Drawn once: the first block, and places inside of a round.
    for (how, blocks) in
        [(Interruption::Kill, 7), (Interruption::Terminate, 1), (Interruption::Interrupt, 12)]
    {
        let left =
            ground.interrupted(how, Moment::Blocks(blocks)).unwrap_or_else(|what| panic!("{how:?}: {what}"));
        assert!(left.blocks >= blocks && !left.too_late, "{how:?}: {left:?}");
        if how == Interruption::Kill {
            assert_eq!(ground.remains.len(), 1, "the folder that the next run takes away");
        }
    }
}
