//! Bad input: one clear message, a next step, the documented exit code, nothing half-written.

use std::fs;

use crate::support::run_in;

/// A mistake and what must be said about it.
struct Case {
    name: &'static str,
    /// Files written before.
    files: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
    code: i32,
    /// Each must stand in what is printed on stderr.
    says: &'static [&'static str],
}

const STEADY: &str = include_str!("../../../../scenarios/steady.toml");

const CASES: &[Case] = &[
    Case {
        name: "no command",
        files: &[],
        arguments: &[],
        code: 2,
        says: &["Usage: authbench", "Exit codes:"],
    },
    Case {
        name: "unknown command",
        files: &[],
        arguments: &["chekc"],
        code: 2,
        says: &["unrecognized subcommand 'chekc'", "'check'"],
    },
    Case {
        name: "unknown key in a scenario",
        files: &[(
            "bad.toml",
            "name = \"x\"\nquestion = \"?\"\nkind = \"stationary\"\nseed = 1\n[population]\nsubjects = 10\n[load]\nratee = 10\n",
        )],
        arguments: &["check", "bad.toml"],
        code: 2,
        says: &["error: bad.toml:8:1:", "unknown key `load.ratee`", "help:", "`rate`"],
    },
    Case {
        name: "wrong type in a scenario",
        files: &[(
            "bad.toml",
            "name = \"x\"\nquestion = \"?\"\nkind = \"stationary\"\nseed = 1\n[population]\nsubjects = \"many\"\n[load]\nrate = 10\n",
        )],
        arguments: &["check", "bad.toml"],
        code: 2,
        says: &["error: bad.toml:6:12:", "string \"many\""],
    },
    Case {
        name: "no TOML at all",
        files: &[("bad.toml", "what = is = this\n")],
        arguments: &["check", "bad.toml"],
        code: 2,
        says: &["error: bad.toml:1:"],
    },
    Case {
        name: "missing file",
        files: &[],
        arguments: &["check", "nowhere.toml"],
        code: 2,
        says: &["error: nowhere.toml cannot be read", "No such file or directory"],
    },
    Case {
        name: "one bad file among good ones",
        files: &[("good.toml", STEADY), ("bad.toml", "name = 1\n")],
        arguments: &["check", "bad.toml", "good.toml"],
        code: 2,
        says: &["error: bad.toml:1:8:"],
    },
    Case {
        name: "impossible combination: a deny list of tokens that are not tokens",
        files: &[(
            "bad.toml",
            concat!(
                "name = \"x\"\nsummary = \"x\"\n",
                "[promises]\nrevocation_lag = \"none\"\nlogout_all = \"cannot\"\nstore_down = \"closed\"\n",
                "[mechanism.credential]\nkind = \"opaque\"\nlifetime = \"8h\"\n",
                "[[mechanism.checks]]\nkind = \"deny-list\"\nview = \"store\"\n",
            ),
        )],
        arguments: &["check", "bad.toml"],
        code: 2,
        says: &["error: bad.toml:11:8:", "an opaque id means nothing without the live list", "help: use"],
    },
    Case {
        name: "an HS256 key that is too short",
        files: &[(
            "bad.toml",
            concat!(
                "name = \"x\"\nsummary = \"x\"\n",
                "[promises]\nrevocation_lag = \"lifetime\"\nlogout_all = \"cannot\"\nstore_down = \"unaffected\"\n",
                "[mechanism.credential]\nkind = \"jwt\"\nalgorithm = \"HS256\"\nlifetime = \"8h\"\nkey = \"c2hvcnQ\"\n",
            ),
        )],
        arguments: &["check", "bad.toml"],
        code: 2,
        says: &["error: bad.toml:11:7:", "a key of 5 bytes is too short for HS256", "help:", "32 bytes"],
    },
    Case {
        name: "a plan that names nothing known",
        files: &[],
        arguments: &["check", "quikc"],
        code: 2,
        says: &["error: quikc cannot be read"],
    },
    Case {
        name: "a scenario that names nothing known",
        files: &[],
        arguments: &["trace", "show", "cafee"],
        code: 2,
        says: &[
            "error: cafee: no such file, and no built-in scenario of that name",
            "help: did you mean `cafe`?",
        ],
    },
    Case {
        name: "an empty access log",
        files: &[("access.log", "")],
        arguments: &["trace", "import", "access.log", "--out", "out.trace"],
        code: 2,
        says: &["error: access.log: no line is in Common or Combined Log Format", "help:"],
    },
    Case {
        name: "an access log that is none",
        files: &[("access.log", "this is\nno log\n")],
        arguments: &["trace", "import", "access.log", "--out", "out.trace"],
        code: 2,
        says: &["error: access.log: no line is in Common or Combined Log Format; line 1:", "help:"],
    },
    Case {
        name: "an empty trace",
        files: &[(
            "x.trace",
            concat!(
                "# authbench trace 1\n",
                "# {\"name\":\"x\",\"subjects\":1,\"devices\":1,\"principal_bytes\":256,",
                "\"password_hash\":\"argon2id\",\"connections\":1,\"deadline\":\"1s\"}\n",
                "# end {\"steps\":0}\n",
            ),
        )],
        arguments: &["trace", "show", "x.trace"],
        code: 2,
        says: &["error: x.trace: the trace has no steps"],
    },
    Case {
        name: "a trace into a folder that is not there",
        files: &[],
        arguments: &["trace", "generate", "cafe", "--out", "nowhere/cafe.trace"],
        code: 1,
        says: &["error: nowhere/cafe.trace could not be written", "help: make the folder first"],
    },
    Case {
        name: "a duration without a unit",
        files: &[],
        arguments: &["trace", "show", "cafe", "--duration", "10"],
        code: 2,
        says: &["--duration", "it has no unit", "15s"],
    },
    Case {
        name: "a backend that needs Redis, and none named",
        files: &[],
        arguments: &["serve", "--backend", "session-redis"],
        code: 2,
        says: &[
            "error: backend `session-redis` keeps its state in Redis",
            "help: pass --redis",
            "apt-get install",
        ],
    },
    Case {
        name: "a backend that is not known",
        files: &[],
        arguments: &["serve", "--backend", "sesion-redis"],
        code: 2,
        says: &[
            "error: sesion-redis: no such file, and no built-in backend",
            "help: did you mean `session-redis`?",
        ],
    },
    Case {
        name: "a scheme that cannot be driven",
        files: &[],
        arguments: &["load", "ftp://127.0.0.1/"],
        code: 2,
        says: &["error: cannot drive ftp://127.0.0.1/", "not http or https"],
    },
    Case {
        name: "an address that is none",
        files: &[],
        arguments: &["load", "127.0.0.1:8080"],
        code: 2,
        says: &["error: 127.0.0.1:8080 cannot be driven", "help: it looks like http://127.0.0.1:8080/me"],
    },
    Case {
        name: "a header without a colon",
        files: &[],
        arguments: &["load", "http://127.0.0.1/", "--header", "Accept"],
        code: 2,
        says: &["--header", "'Accept: text/html'"],
    },
    Case {
        name: "a rate that is none",
        files: &[],
        arguments: &["load", "http://127.0.0.1/", "--rate", "0"],
        code: 2,
        says: &["error: rate is 0, but must be more than 0"],
    },
    Case {
        name: "a password in the address of a server that cannot be driven",
        files: &[],
        arguments: &["load", "gopher://user:secret@127.0.0.1/"],
        code: 2,
        says: &["error: cannot drive gopher://***@127.0.0.1/"],
    },
    Case {
        name: "a plan with too few rounds to show anything",
        files: &[],
        arguments: &["run", "quick", "--rounds", "2"],
        code: 2,
        says: &["error: <the plan as changed by options>", "2 rounds can show nothing", "help: use 6"],
    },
    Case {
        name: "a backend in a run that is not known",
        files: &[],
        arguments: &["run", "--backend", "jwt-statelss"],
        code: 2,
        says: &["error: jwt-statelss: no such file", "help: did you mean `jwt-stateless`?"],
    },
    Case {
        name: "a plan that is not known",
        files: &[],
        arguments: &["run", "quikc"],
        code: 2,
        says: &["error: quikc: no such file, and no built-in plan of that name", "help:", "`quick`"],
    },
    Case {
        name: "a recording that is none",
        files: &[("something", "")],
        arguments: &["report", "."],
        code: 2,
        says: &["error: .: holds no recording", "help: name a folder that `authbench run` wrote"],
    },
    Case {
        name: "a Redis that does not answer",
        files: &[],
        // Port 1 of the loopback address: nothing listens there.
        arguments: &["run", "--redis", "redis://user:secret@127.0.0.1:1/", "--out", "out"],
        code: 1,
        says: &[
            "error: store of session-redis at redis://***@127.0.0.1:1/",
            "refused",
            "help: check that Redis runs",
        ],
    },
    Case {
        name: "a Redis address that is none",
        files: &[],
        arguments: &["run", "--redis", "rdis://user:secret@127.0.0.1:6379", "--out", "out"],
        code: 2,
        says: &["error: --redis: `rdis://***@127.0.0.1:6379`", "help: it looks like redis://127.0.0.1:6379"],
    },
    Case {
        name: "files that init would overwrite",
        files: &[("scenarios/steady.toml", "mine\n")],
        arguments: &["init"],
        code: 2,
        says: &["scenarios/steady.toml is already there: nothing was written", "help:", "init DIR"],
    },
];

#[test]
fn bad_input_is_answered_with_a_message_a_next_step_and_the_documented_code() {
    for case in CASES {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in case.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let before = listing(folder.path());
        let said = run_in(folder.path(), case.arguments);
        assert_eq!(said.code, Some(case.code), "{}: {said:?}", case.name);
        for needed in case.says {
            assert!(
                said.stderr.contains(needed),
                "{}: {needed:?} is not said in:\n{}",
                case.name,
                said.stderr
            );
        }
        assert!(!said.stderr.contains("secret"), "{}: a password was repeated: {}", case.name, said.stderr);
        assert!(!said.stderr.contains("panicked"), "{}: {}", case.name, said.stderr);
        assert_eq!(listing(folder.path()), before, "{}: something was written", case.name);
    }
}

fn listing(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
