//! What systemd is told, over a socket of the test's own; and its unit.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use super::common::{Home, TestServer, kronika, signal};

/// Reads what comes until `wanted` has come; what came.
fn until(socket: &UnixDatagram, wanted: &str) -> Vec<String> {
    let (started, mut seen, mut buffer) = (Instant::now(), Vec::new(), [0; 4096]);
    while started.elapsed() < Duration::from_secs(30) {
        // Nothing may come for a while; what never comes ends the loop.
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        seen.extend(text.lines().map(str::to_owned));
        if seen.iter().any(|line| line == wanted) {
            return seen;
        }
    }
    panic!("no {wanted} among {seen:?}");
}

/// Throws away what has come so far.
fn drain(socket: &UnixDatagram) {
    let mut buffer = [0; 4096];
    socket.set_nonblocking(true).unwrap();
    while socket.recv(&mut buffer).is_ok() {}
    socket.set_nonblocking(false).unwrap();
}

#[test]
fn systemd_hears_of_start_life_and_stop() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let home = Home::with_env("", &[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "200000")]);
    let server = TestServer::start_in(&home);
    let seen = until(&socket, "READY=1");
    assert!(!seen.iter().any(|line| line == "STOPPING=1"), "{seen:?}");
    let (started, mut beats) = (Instant::now(), 0);
    while beats < 5 {
        assert!(started.elapsed() < Duration::from_secs(10), "{beats} signs of life");
        beats += until(&socket, "WATCHDOG=1").iter().filter(|line| *line == "WATCHDOG=1").count();
    }
    // A process that stands still says nothing, so that systemd can act.
    let pid: i32 = std::fs::read_to_string(home.data_dir().join("LOCK")).unwrap().trim().parse().unwrap();
    signal(pid, libc::SIGSTOP);
    std::thread::sleep(Duration::from_millis(50));
    drain(&socket);
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let silent = socket.recv(&mut [0; 4096]).is_err();
    signal(pid, libc::SIGCONT);
    assert!(silent, "a stopped process gave a sign of life");
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    until(&socket, "WATCHDOG=1");
    server.stop();
    until(&socket, "STOPPING=1");
}

#[test]
fn the_unit_starts_what_this_program_understands() {
    let unit = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/kronika.service")).unwrap();
    for line in ["Type=notify", "WatchdogSec=30", "DynamicUser=yes", "StateDirectory=kronika", "NoNewPrivileges=yes"] {
        assert!(unit.lines().any(|known| known == line), "{line}");
    }
    let dir = tempfile::tempdir().unwrap();
    let path = |text: &str| {
        let text = text.replace("/etc/kronika", dir.path().to_str().unwrap());
        text.replace("/var/lib/kronika", dir.path().join("state").to_str().unwrap())
    };
    std::fs::write(dir.path().join("kronika.toml"), include_str!("../../kronika.toml")).unwrap();
    for (key, more) in [("ExecStartPre=", None), ("ExecStart=", Some("--check-config"))] {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        let mut words = line.split(' ');
        assert_eq!(words.next(), Some("/usr/local/bin/kronika"));
        let output = kronika().args(words.map(path)).args(more).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
