//! TLS, slow clients, the number of connections, headers of answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;

use super::common::{Home, TestServer, kronika, send, signal, skipped, wait};

pub(super) fn address(server: &TestServer) -> SocketAddr {
    server.url.split("://").nth(1).unwrap().parse().unwrap()
}

/// Sends `text` and reads until the server ends the connection; how long that took, and what it said.
pub(super) fn talk(server: &TestServer, text: &str) -> (Duration, String) {
    let mut stream = TcpStream::connect(address(server)).unwrap();
    let started = Instant::now();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (started.elapsed(), String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn clients_that_are_too_slow_lose_their_connection_and_nobody_else_does() {
    let server = TestServer::start_with("[server]\nheader_timeout = \"1s\"\nbody_idle_timeout = \"1s\"\n");
    let slow = |text: &str| {
        let (took, answer) = talk(&server, text);
        assert!((Duration::from_millis(900)..Duration::from_secs(10)).contains(&took), "{text}: {took:?} {answer}");
        answer
    };
    slow("");
    slow("GET /livez HTTP/1.1\r\nHost: x\r\n");
    let answer = slow(&format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{\"a\":",
        server.key
    ));
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("body_too_slow"), "{answer}");
    assert_eq!(server.append("default", "", "{\"a\":1}").await.json(200)["accepted"], 1);
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 1);
    server.stop();
}

#[tokio::test]
async fn connections_above_the_limit_are_closed_and_others_go_on() {
    let server = TestServer::start_with("[server]\nconnections_max = 3\n");
    let open = |_| TcpStream::connect(address(&server)).unwrap();
    let ask = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut answer = [0; 64];
        stream.read(&mut answer).unwrap_or(0)
    };
    let mut held: Vec<TcpStream> = (0..3).map(open).collect();
    assert!(held.iter_mut().all(|stream| ask(stream) > 0), "at the limit");
    assert_eq!(ask(&mut open(3)), 0, "one past it");
    held.pop();
    let freed = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        ask(&mut open(3)) > 0
    });
    assert!(freed, "a free place is given again");
    drop(held);
    server.stop();
}

#[tokio::test]
async fn answers_tell_browsers_to_keep_out() {
    let server = TestServer::start();
    for path in ["/livez", "/api/openapi.json", "/nowhere", "/api/v1/keys"] {
        let request = server.request(Method::GET, path).header("origin", "https://elsewhere.example");
        let headers = send(request).await.headers;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cache-control"], "no-store", "{path}");
        assert!(headers.contains_key("content-security-policy") && headers.contains_key("referrer-policy"), "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
        assert!(!headers.contains_key("strict-transport-security"), "{path}");
    }
    server.stop();
}

/// Makes a certificate for localhost and its key; `None` without openssl.
fn certificate(dir: &Path, name: &str) -> Option<()> {
    let file = |end: &str| dir.join(format!("{name}.{end}"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(file("key"))
        .arg("-out")
        .arg(file("crt"))
        .output();
    match made {
        Ok(made) => {
            assert!(made.status.success(), "{made:?}");
            Some(())
        }
        Err(_) => skipped("openssl is not installed"),
    }
}

/// A home whose settings name the files `tls.crt` and `tls.key` in `dir`.
fn tls_home(dir: &Path) -> Arc<Home> {
    let (cert, key) = (dir.join("tls.crt"), dir.join("tls.key"));
    Home::new(&format!("[server]\ntls_cert = {cert:?}\ntls_key = {key:?}\n"))
}

fn trusting(dir: &Path, name: &str) -> reqwest::Client {
    let pem = std::fs::read(dir.join(format!("{name}.crt"))).unwrap();
    let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
    let client = reqwest::Client::builder().add_root_certificate(certificate).tls_built_in_root_certs(false);
    client.pool_max_idle_per_host(0).build().unwrap()
}

fn put_in_place(dir: &Path, name: &str) {
    for end in ["crt", "key"] {
        std::fs::copy(dir.join(format!("{name}.{end}")), dir.join(format!("tls.{end}"))).unwrap();
    }
}

#[tokio::test]
async fn tls_is_spoken_and_a_new_certificate_is_taken_while_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    if certificate(dir, "first").is_none() || certificate(dir, "second").is_none() {
        return;
    }
    ::kronika::cli::install_tls();
    put_in_place(dir, "first");
    let server = TestServer::start_in(&tls_home(dir));
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let (first, second) = (trusting(dir, "first"), trusting(dir, "second"));
    let live = async |client: &reqwest::Client| match client.get(format!("{}/livez", server.url)).send().await {
        Ok(answer) => answer.headers().contains_key("strict-transport-security"),
        Err(_) => false,
    };
    assert!(live(&first).await && !live(&second).await);

    // A key that belongs to another certificate is refused, and told.
    std::fs::copy(dir.join("second.key"), dir.join("tls.key")).unwrap();
    server.hang_up();
    server.wait_for_log("the old one stays in use").await;
    assert!(live(&first).await);

    put_in_place(dir, "second");
    server.hang_up();
    server.wait_for_log("the certificate was read again").await;
    assert!(live(&second).await && !live(&first).await);
    server.stop();
}

#[test]
fn files_that_cannot_be_used_refuse_the_start_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    if certificate(dir, "first").is_none() || certificate(dir, "second").is_none() {
        return;
    }
    let refused = |what: &str| {
        let home = tls_home(dir);
        let output = home.command(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(what), "{said}");
        assert!(!home.data_dir().exists());
    };
    refused("cannot read the certificate");
    std::fs::copy(dir.join("first.crt"), dir.join("tls.crt")).unwrap();
    refused("cannot read the private key");
    std::fs::copy(dir.join("second.key"), dir.join("tls.key")).unwrap();
    refused("cannot be used together");
    std::fs::write(dir.join("tls.crt"), "no certificate").unwrap();
    refused("cannot read the certificate");
}

#[test]
fn other_machines_are_not_served_in_the_clear_unless_somebody_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let serve = |flags: &[&str]| {
        let mut command = kronika();
        command.arg("serve").arg("--data-dir").arg(&data).args(["--listen", "0.0.0.0:0"]).args(flags);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    };
    let output = serve(&[]).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("0.0.0.0:0") && said.contains("--behind-proxy") && said.contains("--insecure"), "{said}");
    assert!(!data.exists());
    for flag in ["--behind-proxy", "--insecure"] {
        let mut child = serve(&[flag]);
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        assert!(lines.any(|line| line.unwrap().contains("listening on ")), "{flag}");
        signal(i32::try_from(child.id()).unwrap(), libc::SIGTERM);
        assert_eq!(wait(&mut child), Some(0), "{flag}");
    }
}
