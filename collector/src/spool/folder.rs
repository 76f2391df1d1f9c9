//! A spool's folder and its name.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};

use super::SpoolError;

/// Chosen at random when the spool is made.
pub(super) fn name(folder: &Path) -> Result<String, SpoolError> {
    let opened = |error| SpoolError::Disk(folder.to_owned(), "opened", error);
    let path = folder.join("name");
    match fs::read_to_string(&path) {
        Ok(name) if name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) => return Ok(name),
        Ok(_) => return Err(opened(io::Error::new(io::ErrorKind::InvalidData, "its file `name` holds no name"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(opened(error)),
    }
    let mut random = [0_u8; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| SpoolError::Random)?;
    let name: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let write = || {
        let fresh = folder.join("name.new");
        let mut file = File::create(&fresh)?;
        file.write_all(name.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        sync_folder(&path)
    };
    write().map_err(opened)?;
    Ok(name)
}

/// Samples say what people do with a console: for its owner alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(io::ErrorKind::NotADirectory.into()),
        made => made,
    }
}

/// A file's name is on stable storage when its folder is.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
