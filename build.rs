//! Prepares the page (`ui/`) and puts it into the program, compressed. Debug builds read `ui/` from disk as it is, and
//! know the prepared page beside it.

#[path = "build/page/mod.rs"]
#[allow(dead_code, reason = "shared with the tests of the page, which use more of it")]
mod page;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=ui");
    println!("cargo::rustc-check-cfg=cfg(page_on_disk)");
    if let Err(why) = run() {
        println!("cargo::error=the page cannot be prepared: {why}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run() -> Result<(), String> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let (source, prepared) = (Path::new("ui"), out.join("page"));
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    page::write(&page::prepare(source)?, &prepared).map_err(|error| failed(&prepared, error))?;
    // As `memory_serve` itself decides it.
    let embeds = !cfg!(debug_assertions);
    let mut pages = vec![("prepared", prepared)];
    if !embeds {
        println!("cargo::rustc-cfg=page_on_disk");
        pages.push(("source", source.canonicalize().map_err(|error| failed(source, error))?));
    }
    // `load_names_directories` would have the build done anew whenever the prepared page is newer than the last build,
    // which it always is.
    let code = pages.iter().map(|(name, path)| {
        let files = memory_serve::assets_to_code(&path.display().to_string(), path, &out, embeds, |_| {});
        format!("(\"{name}\", {files}),")
    });
    let list = out.join("memory_serve_assets.rs");
    std::fs::write(&list, format!("&[{}]", code.collect::<String>())).map_err(|error| failed(&list, error))
}
