//! The local socket: a Unix socket beside the centre's folder, for its own user alone. Who calls is what the system says of
//! the process at the other end, not what that process says.

use std::fs::{self, Permissions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// A Unix socket that is listened on; its file goes with it.
#[derive(Debug)]
pub(crate) struct LocalSocket {
    socket: UnixListener,
    path: PathBuf,
}

impl LocalSocket {
    /// Listens on `path`. A socket that nobody listens on any more is replaced, anything else is left alone.
    pub(crate) fn bind(path: &Path) -> Result<Self> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(Error::new(ErrorKind::AlreadyExists, "what lies there is no socket"));
            }
            Ok(_) if std::os::unix::net::UnixStream::connect(path).is_ok() => {
                return Err(ErrorKind::AddrInUse.into());
            }
            Ok(_) => {}
        }
        // Made under another name and moved, so that nobody finds it before its mode is set.
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(&new)?;
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        fs::rename(&new, path)?;
        Ok(Self { socket, path: path.to_owned() })
    }

    /// The next connection, with the id of the user at its other end.
    pub(crate) async fn accept(&self) -> Result<(UnixStream, u32)> {
        let (stream, _) = self.socket.accept().await?;
        let user = stream.peer_cred()?.uid();
        Ok((stream, user))
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "the dead process left it");
        let socket = LocalSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let _client = UnixStream::connect(&path).await.unwrap();
        assert_eq!(
            socket.accept().await.unwrap().1,
            fs::metadata(&path).map(|m| std::os::unix::fs::MetadataExt::uid(&m)).unwrap()
        );
        assert_eq!(LocalSocket::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(socket);
        assert!(!path.exists());
        fs::write(&path, "a file").unwrap();
        assert_eq!(LocalSocket::bind(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"a file");
    }
}
