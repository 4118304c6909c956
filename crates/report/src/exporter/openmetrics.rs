//! `report.om.txt`: OpenMetrics 1.0 text (`application/openmetrics-text; version=1.0.0; charset=utf-8`). Base units
//! (seconds, bytes), the unit as the end of the name, ratios as gauges, `# EOF` last.

use std::fmt::Write as _;

use super::{ExportError, Exporter};
use crate::metric::Metric;
use crate::model::{Figure, Report, Scenario};
use crate::number::six_digits;
use crate::verdict::Verdict;

/// Writes `report.om.txt`.
#[derive(Debug)]
pub(super) struct OpenMetrics;

impl Exporter for OpenMetrics {
    fn file_name(&self) -> &'static str {
        "report.om.txt"
    }

    fn bytes(&self, report: &Report) -> Result<Vec<u8>, ExportError> {
        Ok(render(report).into_bytes())
    }
}

/// Labels of a sample.
type Labels<'a> = Vec<(&'static str, &'a str)>;

/// One family: all its samples stand together.
struct Family {
    name: &'static str,
    kind: &'static str,
    unit: &'static str,
    help: &'static str,
    samples: String,
}

impl Family {
    fn gauge(name: &'static str, unit: &'static str, help: &'static str) -> Self {
        Self { name, kind: "gauge", unit, help, samples: String::new() }
    }

    fn sample(&mut self, suffix: &str, labels: &[(&'static str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(self.samples, "{}{suffix}{{{}}} {}", self.name, labels.join(","), six_digits(value));
    }

    /// The estimate and its bounds.
    fn figure(&mut self, labels: &Labels<'_>, figure: Figure, scale: f64) {
        let bounds = [("estimate", Some(figure.value)), ("low", figure.low), ("high", figure.high)];
        for (bound, value) in bounds {
            if let Some(value) = value {
                let mut labels = labels.clone();
                labels.push(("bound", bound));
                self.sample("", &labels, value * scale);
            }
        }
    }

    fn write(&self, out: &mut String) {
        if self.samples.is_empty() {
            return;
        }
        let _ = writeln!(out, "# TYPE {} {}", self.name, self.kind);
        if !self.unit.is_empty() {
            let _ = writeln!(out, "# UNIT {} {}", self.name, self.unit);
        }
        let _ = writeln!(out, "# HELP {} {}", self.name, escaped(self.help));
        out.push_str(&self.samples);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn render(report: &Report) -> String {
    let mut out = String::new();
    run(report).write(&mut out);
    for family in figures(report).iter().chain(&comparisons(report)) {
        family.write(&mut out);
    }
    exposure(report).write(&mut out);
    wrong(report).write(&mut out);
    out.push_str("# EOF\n");
    out
}

fn run(report: &Report) -> Family {
    let mut family = Family {
        name: "authbench_run",
        kind: "info",
        unit: "",
        help: "The run these figures come from.",
        samples: String::new(),
    };
    let run = &report.run;
    let labels = [
        ("plan", run.plan.as_str()),
        ("plan_sha256", &run.plan_sha256),
        ("data_sha256", &run.data_sha256),
        ("started", &run.started),
        ("validity", report.validity.status.label()),
    ];
    family.sample("_info", &labels, 1.0);
    family
}

/// A metric of a row, its family, and the factor into base units.
const ROWS: [(Metric, &str, &str, &str, f64); 9] = [
    (
        Metric::ResponseP50,
        "authbench_response_p50_seconds",
        "seconds",
        "Response time from the intended start, median.",
        1e-9,
    ),
    (
        Metric::ResponseP99,
        "authbench_response_p99_seconds",
        "seconds",
        "Response time, 99th percentile: descriptive.",
        1e-9,
    ),
    (
        Metric::ServiceP50,
        "authbench_service_p50_seconds",
        "seconds",
        "Service time from the send, median.",
        1e-9,
    ),
    (Metric::Cpu, "authbench_request_cpu_seconds", "seconds", "CPU of server and store per request.", 1e-9),
    (
        Metric::CpuServer,
        "authbench_request_cpu_server_seconds",
        "seconds",
        "CPU of the server per request.",
        1e-9,
    ),
    (
        Metric::CpuStore,
        "authbench_request_cpu_store_seconds",
        "seconds",
        "CPU of the store per request.",
        1e-9,
    ),
    (
        Metric::StoreCommands,
        "authbench_request_store_commands",
        "commands",
        "Store commands per request.",
        1.0,
    ),
    (
        Metric::StoreBytes,
        "authbench_request_store_bytes",
        "bytes",
        "Bytes between server and store per request.",
        1.0,
    ),
    (Metric::WireBytes, "authbench_request_http_bytes", "bytes", "Bytes of HTTP per request.", 1.0),
];

/// Figures of rows, cost added over none, memory per login.
fn figures(report: &Report) -> Vec<Family> {
    let each = |family: &mut Family, scale: f64, of: &dyn Fn(&Scenario, &str) -> Option<Figure>| {
        for scenario in &report.scenarios {
            for row in &report.rows {
                if let Some(figure) = of(scenario, &row.name) {
                    family.figure(&vec![("scenario", &scenario.name), ("row", &row.name)], figure, scale);
                }
            }
        }
    };
    let mut families = Vec::new();
    for (metric, name, unit, help, scale) in ROWS {
        let mut family = Family::gauge(name, unit, help);
        each(&mut family, scale, &|scenario, row| scenario.figure(row, metric));
        families.push(family);
    }
    let added = [
        (
            Metric::ResponseP50,
            "authbench_added_response_p50_seconds",
            "Median response time added over none.",
        ),
        (Metric::Cpu, "authbench_added_cpu_seconds", "CPU per request added over none."),
    ];
    for (metric, name, help) in added {
        let mut family = Family::gauge(name, "seconds", help);
        each(&mut family, 1e-9, &|scenario, row| scenario.added(row, metric));
        families.push(family);
    }
    let mut memory =
        Family::gauge("authbench_login_memory_bytes", "bytes", "Memory of server and store per live login.");
    each(&mut memory, 1.0, &|scenario, row| scenario.figures(row)?.memory_per_login_bytes);
    families.push(memory);
    families
}

/// Ratios to the plan's baseline and their verdicts.
fn comparisons(report: &Report) -> [Family; 2] {
    let mut ratios = Family::gauge("authbench_ratio", "", "Row divided by baseline, paired by rounds.");
    let mut verdicts = Family {
        name: "authbench_verdict",
        kind: "stateset",
        unit: "",
        help: "Verdict on a row against the baseline.",
        samples: String::new(),
    };
    for scenario in &report.scenarios {
        for c in scenario.comparisons.iter().filter(|c| !c.added && c.baseline == report.run.baseline) {
            let labels: Labels<'_> = vec![
                ("scenario", &scenario.name),
                ("row", &c.row),
                ("baseline", &c.baseline),
                ("metric", c.metric.key()),
            ];
            if let Some(ratio) = c.ratio {
                ratios.figure(&labels, ratio, 1.0);
            }
            for verdict in [
                Verdict::Faster,
                Verdict::Equivalent,
                Verdict::Slower,
                Verdict::Inconclusive,
                Verdict::Unranked,
            ] {
                let mut labels = labels.clone();
                labels.push(("authbench_verdict", verdict.label()));
                verdicts.sample("", &labels, f64::from(u8::from(c.verdict == verdict)));
            }
        }
    }
    [ratios, verdicts]
}

fn exposure(report: &Report) -> Family {
    let mut family = Family::gauge(
        "authbench_exposure_seconds",
        "seconds",
        "Longest time a credential was still accepted after its login was ended.",
    );
    for row in &report.rows {
        if let Some(exposure) = report.exposure(&row.name) {
            family.sample("", &[("row", &row.name)], exposure.longest_ns * 1e-9);
        }
    }
    family
}

fn wrong(report: &Report) -> Family {
    let mut family =
        Family::gauge("authbench_wrong_answers", "", "Answers against what the backend declares.");
    for wrong in &report.wrong {
        let labels = [
            ("scenario", wrong.scenario.as_str()),
            ("row", &wrong.row),
            ("operation", &wrong.operation),
            ("outcome", &wrong.outcome),
        ];
        family.sample("", &labels, wrong.count as f64);
    }
    family
}
