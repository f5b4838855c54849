//! Archives whose bytes depend on nothing but their contents and one time.

use std::io::Read;
use std::path::Path;

use flate2::{read::GzDecoder, Compression, GzBuilder};

use crate::error::{Error, Result};

fn header(size: u64, mode: u32, epoch: i64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(if mode & 0o111 == 0 { 0o644 } else { 0o755 });
    header.set_mtime(u64::try_from(epoch).unwrap_or(0));
    header.set_uid(0);
    header.set_gid(0);
    header
}

fn finish(archive: tar::Builder<Vec<u8>>, file: &Path) -> Result<()> {
    let bytes = archive.into_inner().map_err(Error::io("pack", file))?;
    let out = std::fs::File::create(file).map_err(Error::io("write", file))?;
    // No name and no time in the header of the compressed file, either.
    let mut gzip = GzBuilder::new().mtime(0).write(out, Compression::best());
    std::io::Write::write_all(&mut gzip, &bytes).map_err(Error::io("write", file))?;
    gzip.finish().map(drop).map_err(Error::io("write", file))
}

/// Packs files of a folder below `top` in the archive.
pub fn archive(folder: &Path, names: &[&str], top: &str, epoch: i64, file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut names = names.to_vec();
    names.sort_unstable();
    let mut archive = tar::Builder::new(Vec::new());
    for name in names {
        let path = folder.join(name);
        let meta = path.metadata().map_err(Error::io("read", &path))?;
        let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
        let mut header = header(bytes.len() as u64, meta.permissions().mode(), epoch);
        archive
            .append_data(&mut header, format!("{top}/{name}"), bytes.as_slice())
            .map_err(Error::io("pack", &path))?;
    }
    finish(archive, file)
}

/// Writes an archive again with one time for everything in it.
pub fn at_one_time(file: &Path, epoch: i64) -> Result<()> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    let mut old = tar::Archive::new(GzDecoder::new(bytes.as_slice()));
    let mut new = tar::Builder::new(Vec::new());
    let bad = || Error::io("read the archive", file);
    for entry in old.entries().map_err(bad())? {
        let mut entry = entry.map_err(bad())?;
        let path = entry.path().map_err(bad())?.into_owned();
        let mode = entry.header().mode().unwrap_or(0o644);
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents).map_err(bad())?;
        let mut header = header(contents.len() as u64, mode, epoch);
        header.set_entry_type(entry.header().entry_type());
        new.append_data(&mut header, path, contents.as_slice())
            .map_err(Error::io("pack", file))?;
    }
    finish(new, file)
}

pub fn unpack(file: &Path, into: &Path) -> Result<()> {
    let bytes = std::fs::read(file).map_err(Error::io("read", file))?;
    tar::Archive::new(GzDecoder::new(bytes.as_slice()))
        .unpack(into)
        .map_err(Error::io("unpack", file))
}
