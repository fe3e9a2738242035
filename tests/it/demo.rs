//! `kronika demo`: the commands that it prints work as they stand there.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::common::{kronika, skipped};

/// Ends the demo however the test ends.
struct Demo(std::process::Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The printed link signs in, once.
fn sign_in(said: &str) {
    let address = said.lines().find_map(|line| line.trim().split_once("/login#link=")).unwrap();
    let sign_in = || {
        let body = format!("{{\"link\": \"{}\"}}", address.1);
        let mut curl = Command::new("curl");
        curl.args(["-s", "-i", "-d", &body, &format!("{}/api/v1/session", address.0)]);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    let answer = sign_in();
    assert!(answer.contains(" 200 ") && answer.contains("kronika_session=krn_session_"), "{answer}");
    assert!(answer.contains("\"projects\":[\"default\",\"demo\",\"shop\"]"), "{answer}");
    assert!(sign_in().contains(" 401 "), "{said}");
}

#[test]
fn the_printed_commands_work() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped("curl is not installed").unwrap_or(());
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = kronika();
    command.arg("demo").arg("--data-dir").arg(dir.path().join("demo")).args([
        "--listen",
        "127.0.0.1:0",
        "--events",
        "3000",
    ]);
    let started = std::time::Instant::now();
    let mut demo = Demo(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    let mut stdout = BufReader::new(demo.0.stdout.take().unwrap());
    while !said.contains("listening on") {
        assert!(stdout.read_line(&mut said).unwrap() > 0, "the demo ended: {said}");
    }
    assert!(started.elapsed().as_secs() < 30, "ready after {:?}", started.elapsed());
    let said = said.replace("\\\n", " ");
    let commands: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with("curl") || line.contains("kronika query")).collect();
    let answers: Vec<String> = commands
        .iter()
        .map(|command| {
            let output = Command::new("sh").arg("-c").arg(command).output().unwrap();
            assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        })
        .collect();
    sign_in(&said);
    let [asked, sent, shown] = &answers[..] else { panic!("three commands: {said}") };
    assert!(asked.contains("\"rows\":[") && asked.contains("voucherify"), "{asked}");
    assert!(sent.contains("\"accepted\":1"), "{sent}");
    assert!(shown.contains("events") && shown.contains("20"), "{shown}");
}
