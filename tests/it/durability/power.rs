//! Power cuts: the server writes to an ext4 file system in a file, the file is copied while it runs, and the copy
//! is what a disk would hold after the power went: what was not synced is not there.
//!
//! `KRONIKA_POWER_CUTS` sets how many (5 by default). Needs root and loop devices; says so where there are none.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::{assert_sound, load, number};
use crate::common::{Home, TestServer, signal};

const CONFIG: &str = "[flush]\ninterval = \"300ms\"\n[compaction]\ninterval = \"700ms\"\nfiles_min = 2\nkeep_replaced = \"0s\"\n\
    [wal]\nsegment_size = \"256KiB\"\nsize_max = \"8MiB\"\n[ingest]\nbody_max = \"128KiB\"\nline_max = \"64KiB\"\n[server]\ndisk_free_min = \"0B\"\n";
/// Size of the file system.
const SIZE: u64 = 192 << 20;

fn call(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// A file system in a file, mounted until dropped.
struct Loop {
    at: PathBuf,
}

impl Loop {
    /// Mounts `image`; its own commits come once a minute, so that what is not synced stays away.
    fn mount(image: &Path, at: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(at).unwrap();
        call("mount", &["-o", "loop,commit=60", image.to_str().unwrap(), at.to_str().unwrap()])?;
        Ok(Self { at: at.to_path_buf() })
    }

    fn make(image: &Path) -> Result<(), String> {
        std::fs::File::create(image).and_then(|file| file.set_len(SIZE)).map_err(|error| error.to_string())?;
        call("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()])
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = call("umount", &["-l", self.at.to_str().unwrap()]);
    }
}

/// A home whose data directory lies on `mount`.
fn on(mount: &Path) -> Arc<Home> {
    let home = Home::new(CONFIG);
    std::os::unix::fs::symlink(mount, home.data_dir()).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let image = dir.path().join("disk.img");
    let mount = dir.path().join("mnt");
    let made = Loop::make(&image).and_then(|()| Loop::mount(&image, &mount));
    let first = match made {
        Ok(mounted) => mounted,
        Err(reason) => return println!("SKIPPED: no file system can be mounted from a file: {reason}"),
    };
    let cuts = number("KRONIKA_POWER_CUTS", 5);
    let sent = Arc::new(load::Sent::default());
    let data = first.at.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let mut server = TestServer::start_in(&on(&data));
    let key = server.key.clone();
    let (mut disk, mut image) = (first, image);
    for cut in 0..cuts {
        let senders = load::send(&server, &sent, 4, usize::MAX);
        tokio::time::sleep(Duration::from_millis(300 + (cut as u64 * 397) % 1_700)).await;
        // Nothing is acknowledged while the copy is made, so that it is of one moment.
        signal(server.pid(), libc::SIGSTOP);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let copied = dir.path().join(format!("cut-{cut}.img"));
        call("cp", &["--sparse=always", image.to_str().unwrap(), copied.to_str().unwrap()]).unwrap();
        server.kill();
        senders.join_all().await;
        drop(disk);
        std::fs::remove_file(&image).unwrap();
        image = copied;
        disk = Loop::mount(&image, &dir.path().join(format!("mnt-{cut}"))).unwrap();
        let home = on(&disk.at.join("data"));
        std::fs::write(home.path("admin.key"), &key).unwrap();
        server = TestServer::start_in(&home);
        let stored = load::check(&server, &sent, &format!("cut {cut}")).await;
        println!("cut {cut}: {} batches acknowledged, {stored} there", sent.acknowledged());
    }
    server.flush().await;
    load::check(&server, &sent, "flushed").await;
    let home = server.stop();
    assert_sound(&home, "after all cuts");
    println!("{cuts} power cuts, {} acknowledged events, 0 lost, 0 doubled", sent.acknowledged() * load::BATCH);
}
