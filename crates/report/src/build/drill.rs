//! The drill beside the recording, as the report shows it.

use measure::drill::{DrillEvent, DrillRecording, DrillResult, SurvivalRecord, Timeline};
use measure::recording::Ended;

use crate::model::{Drill, DrillCell, DrillSteps, DrillTimeline};

/// What was drilled; none where nothing was stolen.
pub(super) fn drill(drilled: &DrillRecording) -> Option<Drill> {
    let plan = &drilled.plan;
    let survival = plan.survival.as_ref()?;
    let cells = drilled.results.iter().filter_map(|result| match result {
        DrillResult::Survival(record) => Some(record),
        _ => None,
    });
    let mut cells: Vec<&SurvivalRecord> = cells.collect();
    let place = |event: DrillEvent| DrillEvent::ALL.iter().position(|other| *other == event);
    cells.sort_by_key(|record| place(record.event));
    (!cells.is_empty()).then(|| Drill {
        plan: plan.name.clone(),
        replicas: plan.replicas,
        trials: u64::from(survival.trials),
        replays_per_s: f64::from(survival.replays_per_s),
        lifetime_ns: plan.scale.lifetime.as_nanos() as f64,
        divided_by: plan.scale.divide,
        complete: drilled.ended == Some(Ended::Completed),
        cells: cells.into_iter().map(cell).collect(),
    })
}

fn cell(record: &SurvivalRecord) -> DrillCell {
    DrillCell {
        row: record.backend.clone(),
        event: record.event.name().to_owned(),
        stolen: record.thief.name().to_owned(),
        unscaled: record.unscaled,
        ended: record.ended,
        cannot: record.cannot,
        sent_after: record.sent_after,
        accepted_after: record.accepted_after,
        p50_ns: record.survival_ns.p50 as f64,
        p99_ns: record.survival_ns.p99 as f64,
        longest_ns: record.survival_ns.max as f64,
        open: record.still_working > 0,
        resolution_ns: record.resolution_ns as f64,
        bound_ns: record.bound_ns.map(|bound| bound as f64),
        within: record.within,
        alarms: record.alarms,
        void: record.void.clone(),
        timeline: timeline(&record.timeline),
    }
}

/// None in recordings that have none.
fn timeline(recorded: &Timeline) -> Option<DrillTimeline> {
    let steps = |steps: &measure::drill::Steps| DrillSteps {
        sent: steps.sent.clone(),
        accepted: steps.accepted.clone(),
    };
    (recorded.step_ns > 0).then(|| DrillTimeline {
        from_ns: recorded.from_ns as f64,
        step_ns: recorded.step_ns as f64,
        replicas: recorded.replicas.iter().map(steps).collect(),
    })
}
