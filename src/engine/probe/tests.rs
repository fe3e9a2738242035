use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_directory_of_this_machine_passes_and_nothing_is_left_in_it() {
    let dir = tempfile::tempdir().unwrap();
    // A killed probe of a process with our id may have left its files.
    fs::write(dir.path().join(format!("{PREFIX}{}", std::process::id())), "old").unwrap();
    let tried = try_all(dir.path());
    assert_eq!(tried.len(), STEPS.len());
    assert!(tried.iter().all(|tried| tried.outcome.is_ok()));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    assert!(require(dir.path()).is_ok());
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_by_the_step_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = require(&missing).unwrap_err();
    let text = format!("cannot use `{}` as a data directory: it cannot write and sync a file", missing.display());
    assert_eq!(error.to_string(), text);
    // Root may write anywhere; elsewhere rights count.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // SAFETY: geteuid only reads.
    if unsafe { libc::geteuid() } != 0 {
        assert!(require(dir.path()).is_err());
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn space_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert!(space(dir.path()).unwrap().free_bytes > 0);
    assert!(space(&dir.path().join("missing")).is_err());
}
