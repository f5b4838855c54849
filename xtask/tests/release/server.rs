//! A gem server that speaks RubyGems' push API and compact index, and a store of files: both keep what they get in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::http;

/// The key that may push.
pub const KEY: &str = "gem-key-of-the-test";
/// The token that may store files.
pub const TOKEN: &str = "files-token-of-the-test";

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A gem server over a folder; gives its port.
pub fn gems(folder: PathBuf) -> u16 {
    http::serve(move |mut reader| {
        let Some(head) = http::head(&mut reader) else {
            return;
        };
        let Some(body) = http::body(&mut reader, &head) else {
            return;
        };
        let stream = reader.get_mut();
        match (head.method.as_str(), head.path.as_str()) {
            ("POST", "/api/v1/gems") => {
                if head.header("authorization") != Some(KEY) {
                    return http::answer(stream, "401 Unauthorized", &[], b"Access Denied.");
                }
                match push(&folder, &body) {
                    Ok(words) => http::answer(stream, "200 OK", &[], words.as_bytes()),
                    Err((status, words)) => http::answer(stream, status, &[], words.as_bytes()),
                }
            }
            ("GET" | "HEAD", path) => match page(&folder, path) {
                Some(bytes) => http::answer(stream, "200 OK", &[], &bytes),
                None => http::answer(stream, "404 Not Found", &[], b"not found"),
            },
            _ => http::answer(stream, "405 Method Not Allowed", &[], b""),
        }
    })
}

/// Takes a gem: its name and version are those of the specification inside.
fn push(folder: &Path, gem: &[u8]) -> Result<String, (&'static str, String)> {
    let bad = |why: &str| {
        (
            "422 Unprocessable Entity",
            format!("this server cannot process the gem: {why}"),
        )
    };
    let mut archive = tar::Archive::new(gem);
    let mut text = String::new();
    for entry in archive.entries().map_err(|_| bad("no archive"))? {
        let entry = entry.map_err(|_| bad("cut short"))?;
        if entry.path().is_ok_and(|path| path.ends_with("metadata.gz")) {
            flate2::read::GzDecoder::new(entry)
                .read_to_string(&mut text)
                .map_err(|_| bad("no metadata"))?;
        }
    }
    let field = |start: &str| {
        text.lines()
            .find_map(|line| Some(line.strip_prefix(start)?.trim().to_owned()))
    };
    let version_at = text
        .find("version: !ruby/object:Gem::Version")
        .ok_or_else(|| bad("no version"))?;
    let version = text[version_at..]
        .lines()
        .nth(1)
        .and_then(|line| line.trim().strip_prefix("version: "))
        .ok_or_else(|| bad("no version"))?;
    let name = field("name: ").ok_or_else(|| bad("no name"))?;
    let file = folder.join(format!("{name}-{}.gem", version.trim_matches(['\'', '"'])));
    if file.exists() {
        return Err((
            "409 Conflict",
            "Repushing of gem versions is not allowed.".into(),
        ));
    }
    fs::create_dir_all(folder).unwrap();
    let scratch = file.with_extension("part");
    fs::write(&scratch, gem).unwrap();
    fs::rename(&scratch, &file).unwrap();
    Ok(format!("Successfully registered gem: {name} ({version})"))
}

/// The compact index, specifications, and the gems themselves, computed from what is in the folder.
fn page(folder: &Path, path: &str) -> Option<Vec<u8>> {
    let mut gems: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for entry in fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name().into_string().ok()?;
        let Some((gem, version)) = name
            .strip_suffix(".gem")
            .and_then(|stem| stem.rsplit_once('-'))
        else {
            continue;
        };
        let sum = hex(&Sha256::digest(fs::read(entry.path()).ok()?));
        gems.entry(gem.to_owned())
            .or_default()
            .push((version.to_owned(), sum));
    }
    let info = |versions: &Vec<(String, String)>| {
        versions
            .iter()
            .fold("---\n".to_owned(), |text, (version, sum)| {
                text + &format!("{version} |checksum:{sum}\n")
            })
    };
    if let Some(gem) = path.strip_prefix("/info/") {
        return gems.get(gem).map(|versions| info(versions).into_bytes());
    }
    if path == "/versions" {
        let mut text = "created_at: 2024-01-01T00:00:00Z\n---\n".to_owned();
        for (gem, versions) in &gems {
            let all: Vec<&str> = versions
                .iter()
                .map(|(version, _)| version.as_str())
                .collect();
            // The protocol wants an MD5 of the page here; clients only compare it with the one they kept.
            text += &format!("{gem} {} {:0>32}\n", all.join(","), all.len());
        }
        return Some(text.into_bytes());
    }
    if let Some(file) = path.strip_prefix("/gems/") {
        return fs::read(folder.join(Path::new(file).file_name()?)).ok();
    }
    let spec = path
        .strip_prefix("/quick/Marshal.4.8/")?
        .strip_suffix(".gemspec.rz")?;
    let code = "require 'rubygems/package'; require 'zlib'; $stdout.binmode; \
                $stdout.write Zlib::Deflate.deflate(Marshal.dump(Gem::Package.new(ARGV[0]).spec))";
    let file = folder.join(format!("{}.gem", Path::new(spec).file_name()?.to_str()?));
    let ran = Command::new("ruby")
        .args(["-e", code])
        .arg(file)
        .output()
        .ok()?;
    ran.status.success().then_some(ran.stdout)
}

/// A store of files over a folder; gives its port.
pub fn files(folder: PathBuf) -> u16 {
    http::serve(move |mut reader| {
        let Some(head) = http::head(&mut reader) else {
            return;
        };
        let Some(body) = http::body(&mut reader, &head) else {
            return;
        };
        let path = head.path.trim_start_matches('/').to_owned();
        let file = folder.join(&path);
        let stream = reader.get_mut();
        if path.split('/').any(|part| part == "..") {
            return http::answer(stream, "400 Bad Request", &[], b"");
        }
        match head.method.as_str() {
            "PUT" if head.header("authorization") != Some(&format!("Bearer {TOKEN}")) => {
                http::answer(stream, "401 Unauthorized", &[], b"no");
            }
            // A release must never send a file twice.
            "PUT" if file.exists() => http::answer(stream, "409 Conflict", &[], b"it is there"),
            "PUT" => {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                let scratch = file.with_extension("part");
                fs::File::create(&scratch)
                    .unwrap()
                    .write_all(&body)
                    .unwrap();
                fs::rename(scratch, file).unwrap();
                http::answer(stream, "201 Created", &[], b"");
            }
            "GET" => match fs::read(&file) {
                Ok(bytes) => http::answer(stream, "200 OK", &[], &bytes),
                Err(_) => http::answer(stream, "404 Not Found", &[], b"not found"),
            },
            _ => http::answer(stream, "405 Method Not Allowed", &[], b""),
        }
    })
}
