//! Files that nobody else on the machine may read: events hold what people and services said.

use std::fs::{DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes the folder, or takes from others what they may do with an existing one.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    match std::fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)) {
        // A folder that was mounted may belong to somebody else; the files in it are private all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tracing::warn!(%error, folder = %folder.display(), "others may look into the data folder");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Opens the file for writing, or makes it; an existing one becomes private too.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).truncate(false).write(true).mode(FILE_MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}
