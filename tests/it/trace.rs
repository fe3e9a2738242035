//! The order of system calls: no log segment is recycled before all that replaces it is durable.

use std::path::Path;
use std::process::Command;

use super::common::{Home, TestServer, python, skipped};

const CALLS: &str = "trace=openat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fsync,fdatasync,link,linkat,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat";

#[tokio::test]
async fn no_segment_is_recycled_before_its_events_are_durable_in_the_table() {
    let Some(python) = python() else { return };
    if Command::new("strace").arg("-V").output().is_err() {
        return skipped("strace is not installed").unwrap_or(());
    }
    let home = Home::new("[wal]\nsegment_size = \"1MiB\"\n[compaction]\ninterval = \"0s\"\n");
    let trace = home.path("trace");
    let server = TestServer::start_under(
        &home,
        &["strace", "-f", "-y", "-s", "300", "-e", CALLS, "-o", trace.to_str().unwrap()],
    );
    for round in 0..4 {
        let body: String = (0..2_000)
            .map(|n| {
                format!(
                    "{{\"event_time\":\"2025-03-0{}T08:00:00Z\",\"module\":\"m{}\",\"text\":\"{}\"}}\n",
                    1 + n % 3,
                    n % 5,
                    "x".repeat(600)
                )
            })
            .collect();
        server.append("default", "", body).await.json(200);
        server.flush().await;
        assert_eq!(server.metric("kronika_hot_events", "project=\"default\"").await, 0.0, "round {round}");
    }
    server.stop();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/trace_order.py");
    let (store, wal) = (home.data_dir().join("store"), home.data_dir().join("wal"));
    let output = Command::new(python).arg(script).arg(trace).arg(store).arg(wal).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}
