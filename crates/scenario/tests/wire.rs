//! The contract between server and generator holds in both directions.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use scenario::wire::{
    PasswordHash, ReadyLine, ServeOptions, identity_body, principal, principal_digest, provision_line,
    subject_index, subject_name,
};

fn options() -> ServeOptions {
    ServeOptions {
        backend: "session-redis".into(),
        redis: Some("redis://127.0.0.1:6379".into()),
        postgres: Some("postgres://127.0.0.1/db".into()),
        authority: Some("127.0.0.1:5".parse().unwrap()),
        prefix: "ab:1".into(),
        listen: "127.0.0.1:0".parse().unwrap(),
        control: "[::1]:0".parse().unwrap(),
        threads: 2,
        password_hash: PasswordHash::Cheap,
        principal_bytes: 300,
        store_rtt_ns: 250_000,
        deadline_ms: 100,
        cpus: vec![0, 3],
        extra_work_ns: 7,
        key_file: Some("key".into()),
        tls_cert: Some("cert.pem".into()),
        tls_key: Some("key.pem".into()),
        clock_offset_ms: -1500,
    }
}

#[test]
fn arguments_are_pairs_and_carry_every_option() {
    let arguments = options().to_arguments();
    let text: Vec<&str> = arguments.iter().map(|argument| argument.to_str().unwrap()).collect();
    let pairs: BTreeMap<&str, &str> = text.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    assert_eq!(pairs.len() * 2, text.len(), "no option is given twice");
    // One argument for each field: a new field must be carried too.
    let fields = serde_json::to_value(options()).unwrap();
    for name in fields.as_object().unwrap().keys() {
        assert!(pairs.contains_key(format!("--{}", name.replace('_', "-")).as_str()), "{name}");
    }
    assert_eq!(fields.as_object().unwrap().len(), pairs.len());
    assert_eq!((pairs["--cpus"], pairs["--password-hash"], pairs["--control"]), ("0,3", "cheap", "[::1]:0"));
    let bare = ServeOptions { redis: None, postgres: None, authority: None, cpus: Vec::new(), ..options() };
    let absent = ["--redis", "--postgres", "--authority", "--cpus"];
    assert!(!bare.to_arguments().iter().any(|argument| absent.iter().any(|name| argument == name)));
}

#[test]
fn the_ready_line_survives_json() {
    let line = r#"{"address":"127.0.0.1:1","control":"127.0.0.1:2","pid":3,"describe":{"credential":"jwt"}}"#;
    let ready: ReadyLine = serde_json::from_str(line).unwrap();
    assert_eq!(serde_json::to_string(&ready).unwrap(), line);
}

#[test]
fn a_provisioned_credential_is_one_line_of_four_fields() {
    let line = provision_line(7, 1, "Authorization: Bearer x", None);
    assert_eq!(line, "7\t1\tAuthorization: Bearer x\t-\n");
}

proptest! {
    #[test]
    fn names_and_indices_are_one_to_one(index in 0_u32..100_000_000) {
        let name = subject_name(index);
        prop_assert_eq!(subject_index(std::str::from_utf8(&name).unwrap()), Some(index));
    }

    #[test]
    fn other_names_are_no_subject(name in "\\PC{0,12}") {
        if let Some(index) = subject_index(&name) {
            prop_assert_eq!(name.as_bytes(), &subject_name(index)[..]);
        }
    }

    #[test]
    fn a_principal_has_the_size_asked_for(index in 0_u32..100_000_000, size in 64_usize..4096) {
        let principal = principal(index, size);
        let canonical = format!("{}|{}|{}", principal.subject, principal.roles.join(","), principal.tenant);
        prop_assert_eq!(canonical.len(), size);
        let digest = principal_digest(&principal.subject, &principal.roles, &principal.tenant);
        let body = identity_body(&principal.subject, digest);
        prop_assert_eq!(body.len(), identity_body("u00000000", 0).len());
        prop_assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok());
    }
}

#[test]
fn digests_tell_principals_apart() {
    let digest = |roles: &[&str], tenant: &str| {
        let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
        principal_digest("u00000001", &roles, tenant)
    };
    let all =
        [digest(&["a", "b"], "t"), digest(&["b", "a"], "t"), digest(&["a"], "t"), digest(&["a", "b"], "u")];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one));
    }
}
