//! Embeds what lies in `web/dist` (written by `make console`) as a table that `src/lib.rs` includes. It builds nothing itself:
//! a Cargo build needs no Node. Where `web/dist` is missing, one page that says so stands in its place.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Shown instead of the console by a binary that was built without it.
const NOTICE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Bridgewatch</title>\
<h1>The console is not in this binary</h1><p>Run <code>make console</code> in the project, then build again.</p>\
<h1 lang=\"fr\">La console n’est pas dans ce programme</h1>\
<p lang=\"fr\">Exécutez <code>make console</code> dans le projet, puis recompilez.</p></html>\n";

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let dist = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("web/dist");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=web/dist");
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        collect(&dist, &mut files)?;
    } else {
        println!("cargo::warning=the console is not built: run `make console`; this binary shows a notice instead");
        let notice = out.join("notice.html");
        std::fs::write(&notice, NOTICE)?;
        files.push(("index.html".to_owned(), notice));
    }
    files.sort();
    std::fs::write(out.join("assets.rs"), table(&files)?)?;
    Ok(())
}

/// All files below `folder` with their paths relative to `dist`, `/` between the parts.
fn collect(dist: &Path, files: &mut Vec<(String, PathBuf)>) -> Fallible<()> {
    let mut folders = vec![dist.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(dist)?.to_str().ok_or("a file of the console has no UTF-8 name")?;
                files.push((name.replace('\\', "/"), path));
            }
        }
    }
    Ok(())
}

/// The source text of the table: name, bytes, entity tag.
fn table(files: &[(String, PathBuf)]) -> Fallible<String> {
    let mut text = String::from("&[\n");
    for (name, path) in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let digest = hex::encode(Sha256::digest(std::fs::read(path)?));
        let tag = digest.get(..32).unwrap_or(&digest);
        writeln!(text, "    ({name:?}, include_bytes!({path:?}) as &[u8], \"\\\"{tag}\\\"\"),")?;
    }
    text.push_str("]\n");
    Ok(text)
}
