//! Private and shared stores, with a real redis-server. This test binary plays the guard of children.

use std::ffi::OsString;

use super::*;
use crate::process::{CHILD_ARGUMENT, Launcher, become_child};

/// Entry point of guarded children; without the marker there is nothing to do.
#[test]
fn guard_entry() {
    let mut arguments = std::env::args_os().skip_while(|argument| argument != CHILD_ARGUMENT);
    if arguments.next().is_some() {
        eprintln!("{}", become_child(&arguments.collect::<Vec<_>>()));
        std::process::exit(127);
    }
}

fn launcher() -> Launcher {
    let mut guard: Vec<OsString> = vec![std::env::current_exe().unwrap().into_os_string()];
    guard.extend(
        ["--exact", "store::tests::guard_entry", "--nocapture", "--test-threads=1", "--"].map(Into::into),
    );
    Launcher::new(guard, &[]).unwrap()
}

fn private(launcher: &Launcher, row: &str) -> Store {
    let program = redis_server().expect("redis-server is on PATH where the tests run");
    let start = || PrivateRedis::start(launcher, &program, row);
    Store::private(row, start().unwrap(), start).unwrap()
}

fn connection(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}

#[test]
fn a_private_store_counts_only_what_others_asked_of_it() {
    let launcher = launcher();
    let mut store = private(&launcher, "row");
    assert!(store.record.private && store.record.version.contains(' '), "{:?}", store.record);
    assert_eq!(store.record.settings.get("maxmemory_policy").map(String::as_str), Some("noeviction"));
    let mut other = connection(&store.url);
    redis::cmd("PING").exec(&mut other).unwrap();

    let before = store.gauge.read().unwrap();
    let idle = store.gauge.read().unwrap();
    let nothing = store.gauge.between(before, idle);
    assert_eq!((nothing.commands, nothing.bytes_in), (0, 0));

    let before = store.gauge.read().unwrap();
    for number in 0..100_u32 {
        redis::cmd("SET").arg(number).arg("12345678").exec(&mut other).unwrap();
    }
    let after = store.gauge.read().unwrap();
    let used = store.gauge.between(before, after);
    assert_eq!(used.commands, 100);
    // *3 $3 SET $1 n $8 12345678: 34 bytes with a number of one digit, 35 with two. Each is answered with `+OK`.
    assert_eq!(used.bytes_in, 10 * 34 + 90 * 35);
    assert!(used.bytes_out.abs_diff(500) < 100, "{used:?}");
    assert_eq!(used.evicted_keys, 0);
    assert!(store.probe.as_ref().unwrap().cpu_ns().unwrap() > 0);
}

#[test]
fn every_row_has_a_store_of_its_own_that_keeps_nothing() {
    let launcher = launcher();
    let (a, b) = (private(&launcher, "a"), private(&launcher, "b"));
    assert_ne!(a.url, b.url);
    redis::cmd("SET").arg("k").arg(1).exec(&mut connection(&a.url)).unwrap();
    let there: bool = redis::cmd("EXISTS").arg("k").query(&mut connection(&b.url)).unwrap();
    assert!(!there);
    for (setting, value) in [("save", ""), ("appendonly", "no"), ("dir", "/")] {
        let found: Vec<String> =
            redis::cmd("CONFIG").arg("GET").arg(setting).query(&mut connection(&a.url)).unwrap();
        assert_eq!(found, [setting, value]);
    }
}

#[test]
fn a_store_that_went_away_is_an_error_with_its_address() {
    let launcher = launcher();
    let mut store = private(&launcher, "session-redis");
    assert!(store.has_ended().is_none());
    // The server closes without an answer: that is an error to the client, and what was wanted.
    let _ = redis::cmd("SHUTDOWN").arg("NOSAVE").exec(&mut connection(&store.url));
    let error = store.gauge.read().unwrap_err().to_string();
    assert!(error.starts_with("store of session-redis at redis://127.0.0.1:"), "{error}");
}

#[test]
fn only_keys_under_our_prefix_are_removed_from_a_shared_store() {
    let launcher = launcher();
    let server = private(&launcher, "somebody");
    let mut other = connection(&server.url);
    for key in
        ["run-1:row:session:{a}", "run-1:row:session:{b}", "run-1:row2:session:{a}", "run-?:row:x", "mine"]
    {
        redis::cmd("SET").arg(key).arg(1).exec(&mut other).unwrap();
    }
    let mut shared = Store::shared("row", &server.url, "run-1:row".into()).unwrap();
    assert!(!shared.record.private && shared.probe.is_none());
    assert_eq!(shared.clean().unwrap(), 2);
    let left: u64 = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 3);

    // Without `clean`, on the way out of an error, they go as well.
    redis::cmd("SET").arg("run-2:row:a").arg(1).exec(&mut other).unwrap();
    drop(Store::shared("row", &server.url, "run-2:row".into()).unwrap());
    let left: u64 = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 3);
}

#[test]
fn a_port_that_somebody_takes_meanwhile_is_left_for_another() {
    let launcher = launcher();
    let program = redis_server().expect("redis-server is on PATH where the tests run");
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let start = |port| PrivateRedis::start_at(&launcher, &program, "row", port, None);
    let error = start(port).unwrap().ready().unwrap_err().to_string();
    assert!(error.contains("already in use"), "{error}");
    let again = || PrivateRedis::start(&launcher, &program, "row");
    let store = Store::private("row", start(port).unwrap(), again).unwrap();
    redis::cmd("PING").exec(&mut connection(&store.url)).unwrap();
    // What is wrong with a server otherwise is not tried again.
    let nowhere = std::path::Path::new("/no/such/redis-server");
    let never = || panic!("it was started again");
    let broken = PrivateRedis::start_at(&launcher, nowhere, "row", port, None).unwrap();
    assert!(broken.ready_somewhere(never).is_err());
}

#[test]
fn an_address_where_nothing_listens_is_named_without_its_password() {
    // Port 1: nobody but root may listen there, and nobody does.
    let error = Store::shared("row", "redis://me:secret@127.0.0.1:1", "p".into()).unwrap_err().to_string();
    assert!(error.contains("redis://***@127.0.0.1:1") && !error.contains("secret"), "{error}");
}

#[test]
fn the_install_line_fits_the_platform() {
    for (release, part) in [
        ("ID=debian\n", "apt-get install redis-server"),
        ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "apt-get install redis-server"),
        ("ID=alpine\n", "apk add redis"),
        ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "dnf install"),
        ("ID=nixos\n", "put redis-server on PATH"),
        ("", "put redis-server on PATH"),
    ] {
        let line = install_line_for(release);
        assert!(line.contains(part) && line.contains("--redis"), "{release}: {line}");
    }
}

#[test]
fn a_cluster_is_counted_and_cleaned_as_one_store() {
    let launcher = launcher();
    let program = redis_server().expect("redis-server is on PATH where the tests run");
    let timeout = std::time::Duration::from_secs(5);
    let mut group = PrivateGroup::start(&launcher, &program, "row", StoreTopology::Cluster, timeout).unwrap();
    let mut store = Store::shared("row", &group.url(1), "run-1:row".into()).unwrap();
    assert_eq!(store.record.settings.get("redis_mode").map(String::as_str), Some("cluster"));
    let mut masters: Vec<_> = group
        .url(0)
        .trim_start_matches("redis+cluster://")
        .split(',')
        .map(|place| connection(&format!("redis://{place}")))
        .collect();
    let before = store.gauge.read().unwrap();
    for number in 0..300_u32 {
        let mut set = redis::cmd("SET");
        set.arg(format!("run-1:row:live:{{{number}}}")).arg(1);
        // The two that do not answer for this key refuse it.
        let taken = masters.iter_mut().filter_map(|master| set.exec(master).ok()).count();
        assert_eq!(taken, 1);
    }
    let after = store.gauge.read().unwrap();
    let used = store.gauge.between(before, after);
    // Replicas say now and then what they have.
    assert!((300..330).contains(&used.commands), "{used:?}");
    assert_eq!(store.clean().unwrap(), 300);
    group.lose();
    assert!(group.has_ended().is_none(), "it was to be lost");
}

#[test]
fn a_place_where_no_cluster_is_says_so() {
    let launcher = launcher();
    let server = private(&launcher, "alone");
    let place = server.url.trim_start_matches("redis://");
    for url in [format!("redis+cluster://{place}"), format!("redis+sentinel://:secret@{place}/main")] {
        let error = Store::shared("row", &url, "p".into()).unwrap_err().to_string();
        assert!(error.starts_with("store of row at ") && !error.contains("secret"), "{error}");
    }
}
