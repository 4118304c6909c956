//! Headless Chromium: opens a page and gives back what a script left in `<pre id="found">`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn chromium() -> Command {
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    let name = found.expect("this test needs Chromium: install it with `apt-get install chromium`");
    let mut command = Command::new(name);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        // The probe may look into the frames beside it.
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
        "--window-size=1400,1000",
        "--dump-dom",
    ]);
    command
}

/// Opens a page, with a profile of its own beside it. Returns what was found and the lines of the console.
pub(crate) fn open(page: &Path, further: &[&str]) -> (Value, Vec<String>) {
    let profile = tempfile::tempdir_in(page.parent().unwrap()).unwrap();
    let output = chromium()
        .args(further)
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    let console = String::from_utf8_lossy(&output.stderr);
    // A frame without scripts says that it runs none: that is what it is for.
    let said =
        console.lines().filter(|line| line.contains("CONSOLE") && !line.contains("Blocked script execution"));
    let said = said.map(str::to_owned).collect();
    let found = dom.split("<pre id=\"found\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let found = found.unwrap_or_else(|| panic!("the probe did not finish: {console}"));
    let found =
        found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("&nbsp;", "\u{a0}");
    (serde_json::from_str(&found).unwrap_or_else(|error| panic!("{error}: {found}")), said)
}
