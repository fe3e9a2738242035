//! Settings that cannot be: the start is refused with the reason, before anything is made.

use super::super::common::{Home, kronika};

#[test]
fn bad_settings_refuse_the_start_and_say_why() {
    // What the file holds, and what must be said about it.
    let cases: &[(&str, &[&str])] = &[
        ("[ingest]\nline_maximum = \"1MiB\"\n", &["line_maximum"]),
        ("[ingst]\nline_max = \"1MiB\"\n", &["ingst"]),
        ("line_max = \"1MiB\"\n", &["line_max"]),
        ("[ingest]\nline_max = true\n", &["line_max"]),
        ("[ingest]\nline_max = [1]\n", &["line_max"]),
        ("[ingest]\nline_max = \"1MiB\"\nline_max = \"2MiB\"\n", &["kronika.toml:3", "duplicate key"]),
        ("[ingest]\nline_max = \"10\"\n", &["10", "unit"]),
        ("[ingest]\nline_max = \"-1B\"\n", &["-1B"]),
        ("[ingest]\nline_max = \"1.5MiB\"\n", &["1.5MiB"]),
        ("[ingest]\nbody_max = \"99999999999TiB\"\n", &["99999999999TiB"]),
        ("[ingest]\nevents_max = -1\n", &["events_max"]),
        ("[ingest]\nevents_max = 0\n", &["events_max", "0", "16000000"]),
        ("[ingest]\nevents_max = 99999999\n", &["events_max", "99999999", "16000000"]),
        ("[flush]\ninterval = \"10\"\n", &["10", "unit"]),
        ("[flush]\ninterval = \"soon\"\n", &["soon"]),
        ("[server]\nconnections_max = 0\n", &["connections_max", "0"]),
        ("[server]\nheader_max = \"1KiB\"\n", &["header_max", "1KiB", "8KiB"]),
        ("[server]\nlisten = \"everywhere\"\n", &["listen"]),
        ("[server]\ntrusted_proxies = [\"10.0.0.0/99\"]\n", &["trusted_proxies"]),
        ("[server]\ntls_cert = \"x.pem\"\n", &["tls_cert", "tls_key"]),
        ("[ingest]\nline_max = \"128MiB\"\n", &["line_max 128MiB", "body_max 64MiB"]),
        ("[ingest]\nbody_max = \"1GiB\"\nhot_max = \"4GiB\"\n", &["wal.size_max 4GiB", "ingest.body_max 1GiB"]),
        ("[wal]\nsegment_size = \"4GiB\"\n", &["wal.size_max 4GiB", "wal.segment_size 4GiB"]),
        ("[ingest\nline_max = 1\n", &["kronika.toml:1", "unclosed table"]),
        ("\u{0}", &["kronika.toml:1"]),
    ];
    for (text, says) in cases {
        let home = Home::new(text);
        let output = home.command(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{text:?}: {said}");
        for word in *says {
            assert!(said.contains(word), "{text:?} does not say {word:?}: {said}");
        }
        assert!(!said.contains("panicked"), "{text:?}: {said}");
        assert!(!home.data_dir().exists(), "{text:?} made a directory");
    }
}

#[test]
fn settings_of_the_environment_and_a_missing_file_are_refused_alike() {
    let dir = tempfile::tempdir().unwrap();
    let serve = || {
        let mut command = kronika();
        command.arg("serve").arg("--data-dir").arg(dir.path().join("data")).args(["--listen", "127.0.0.1:0"]);
        command
    };
    let refused = |command: &mut std::process::Command, word: &str| {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(word) && !said.contains("panicked"), "{said}");
    };
    refused(serve().env("KRONIKA__INGEST__LINE_MAXIMUM", "1MiB"), "line_maximum");
    refused(serve().env("KRONIKA__INGEST__LINE_MAX", "10"), "unit");
    refused(serve().arg("--config").arg(dir.path().join("none.toml")), "none.toml");
    assert!(!dir.path().join("data").exists());
}
