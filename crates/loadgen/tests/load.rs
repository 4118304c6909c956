//! `load` over real sockets: its report, and servers of every bad kind. No assertion here depends on how long things took.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::thread;

use loadgen::null::{NullOptions, NullResponder};
use loadgen::{LoadOptions, LoadReport, Options, load};
use scenario::Arrival;
use url::Url;

fn url(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}/me?x=1")).unwrap()
}

fn options(rate: Option<f64>) -> LoadOptions {
    LoadOptions {
        rate,
        arrivals: Arrival::Constant,
        duration_ns: 200_000_000,
        drive: Options {
            connections: 4,
            deadline_ns: 20_000_000_000,
            max_response_bytes: 4096,
            ..Options::default()
        },
        ceiling_rate: Some(1e9),
        ..LoadOptions::default()
    }
}

fn run(address: SocketAddr, options: &LoadOptions) -> LoadReport {
    load(&url(address), options, &AtomicBool::new(false)).unwrap()
}

/// A server that handles each connection with `serve`, for as long as the test process lives.
fn server(serve: impl Fn(TcpStream) + Send + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Answers each request with the same bytes, all at once or one by one.
fn answering(answer: &'static [u8], keep: bool, one_by_one: bool) -> SocketAddr {
    server(move |mut stream| {
        stream.set_nodelay(true).unwrap();
        let mut request = [0; 4096];
        loop {
            match stream.read(&mut request) {
                Ok(0) | Err(_) => return,
                Ok(_) if one_by_one => {
                    for byte in answer {
                        if stream.write_all(&[*byte]).is_err() {
                            return;
                        }
                    }
                }
                Ok(_) if stream.write_all(answer).is_err() => return,
                Ok(_) => {}
            }
            if !keep {
                return;
            }
        }
    })
}

/// 40 requests in 0.2 s.
fn outcomes(address: SocketAddr) -> BTreeMap<&'static str, u64> {
    outcomes_with(address, &options(Some(200.0)))
}

fn outcomes_with(address: SocketAddr, options: &LoadOptions) -> BTreeMap<&'static str, u64> {
    let report = run(address, options);
    let total: u64 = report.outcomes.iter().filter(|(name, _)| **name != "unsolicited").map(|(_, n)| n).sum();
    assert_eq!((report.requests, total), (40, 40), "{:?}", report.outcomes);
    report.outcomes
}

#[test]
fn open_loop_reports_every_request() {
    let responder = NullResponder::start(&NullOptions::default()).unwrap();
    let report = run(responder.address(), &options(Some(1000.0)));
    assert_eq!(report.requests, 200);
    assert_eq!(report.outcomes, BTreeMap::from([("ok", 200)]));
    assert_eq!(report.peak_connections, 4);
    assert!(report.response_time_ns.max >= report.service_time_ns.max);
    assert!(report.generator_cpu_ns_per_request > 0.0);
    assert_eq!(responder.finish().requests, 200);
    let json = serde_json::to_value(&report).unwrap();
    for key in ["requests", "achieved_rate", "outcomes", "generator_cpu_ns_per_request"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    for key in ["response_time_ns", "service_time_ns", "send_lag_ns"] {
        for quantile in ["p50", "p90", "p99", "p999", "max"] {
            assert!(json[key][quantile].is_u64(), "{key}.{quantile}");
        }
    }
    assert!(json["validity"]["status"].is_string() && json["validity"]["reasons"].is_array());
}

#[test]
fn closed_loop_has_no_lag_and_equal_times() {
    let responder = NullResponder::start(&NullOptions::default()).unwrap();
    let report = run(responder.address(), &options(None));
    assert!(report.requests > 0);
    assert_eq!(report.outcomes.get("ok"), Some(&report.requests));
    assert_eq!(report.response_time_ns, report.service_time_ns);
    assert_eq!(report.send_lag_ns.max, 0);
    assert_eq!(report.offered_rate, None);
}

#[test]
fn good_answers_of_every_framing() {
    for answer in [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".as_slice(),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        for one_by_one in [false, true] {
            assert_eq!(outcomes(answering(answer, true, one_by_one)), BTreeMap::from([("ok", 40)]));
        }
    }
    let until_close = answering(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", false, false);
    assert_eq!(outcomes(until_close), BTreeMap::from([("ok", 40)]));
    let closing =
        answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false, false);
    assert_eq!(outcomes(closing), BTreeMap::from([("ok", 40)]));
}

#[test]
fn statuses_are_counted_by_class() {
    let unavailable = answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", true, false);
    assert_eq!(outcomes(unavailable), BTreeMap::from([("5xx", 40)]));
    let moved = answering(b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n", true, false);
    assert_eq!(outcomes(moved), BTreeMap::from([("3xx", 40)]));
}

#[test]
fn garbage_is_malformed() {
    for answer in [
        b"what do you want?\r\n\r\n".as_slice(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        // A second answer behind the first.
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert_eq!(outcomes(answering(answer, true, false)), BTreeMap::from([("malformed", 40)]));
    }
}

#[test]
fn long_answers_are_cut() {
    let announced = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", true, false);
    assert_eq!(outcomes(announced), BTreeMap::from([("too-large", 40)]));
    let endless_headers = server(|mut stream| {
        let mut request = [0; 4096];
        if matches!(stream.read(&mut request), Ok(got) if got > 0) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
            while stream.write_all(b"X-More: and more and more and more\r\n").is_ok() {}
        }
    });
    assert_eq!(outcomes(endless_headers), BTreeMap::from([("too-large", 40)]));
    let endless_body = server(|mut stream| {
        let mut request = [0; 4096];
        if matches!(stream.read(&mut request), Ok(got) if got > 0) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            while stream.write_all(b"4\r\nmore\r\n").is_ok() {}
        }
    });
    assert_eq!(outcomes(endless_body), BTreeMap::from([("too-large", 40)]));
}

#[test]
fn an_early_end_is_closed() {
    let silent = server(|mut stream| drop(stream.read(&mut [0; 4096])));
    assert_eq!(outcomes(silent), BTreeMap::from([("closed", 40)]));
    let half = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", false, false);
    assert_eq!(outcomes(half), BTreeMap::from([("closed", 40)]));
}

#[test]
fn silence_is_a_timeout() {
    let mute = server(|mut stream| while matches!(stream.read(&mut [0; 4096]), Ok(got) if got > 0) {});
    let mut options = options(Some(200.0));
    options.drive.deadline_ns = 50_000_000;
    assert_eq!(outcomes_with(mute, &options), BTreeMap::from([("timed-out", 40)]));
}

#[test]
fn nobody_at_the_address_is_unreachable() {
    // Port 1: nobody but root may listen there, and nobody does.
    let address = "127.0.0.1:1".parse().unwrap();
    assert_eq!(outcomes(address), BTreeMap::from([("unreachable", 40)]));
    let closed = run(address, &options(None));
    assert!(closed.requests > 0);
    assert_eq!(closed.outcomes, BTreeMap::from([("unreachable", closed.requests)]));
}

#[test]
fn the_stop_flag_ends_an_endless_drive() {
    let responder = NullResponder::start(&NullOptions::default()).unwrap();
    let stop = AtomicBool::new(true);
    let report = load(&url(responder.address()), &options(Some(100.0)), &stop).unwrap();
    assert!(report.interrupted);
}

#[test]
fn bad_options_are_refused() {
    let address = "127.0.0.1:1".parse().unwrap();
    let refused = |options: &LoadOptions| load(&url(address), options, &AtomicBool::new(false)).is_err();
    assert!(refused(&options(Some(0.0))));
    assert!(refused(&options(Some(f64::NAN))));
    assert!(refused(&LoadOptions { duration_ns: 0, ..options(None) }));
    assert!(refused(&LoadOptions { headers: vec![("a b".into(), "c".into())], ..options(None) }));
    assert!(refused(&LoadOptions { headers: vec![("a".into(), "c\r\nd: e".into())], ..options(None) }));
}
