//! The listening socket: a TCP address, or a Unix socket.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, UnixListener, UnixSocket};

use super::connection::Connection;
use super::stream::Stream;
use super::tls::{Tls, TlsError};
use crate::config::{HttpConfig, Listen};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A socket that listens for connections.
pub struct Listener {
    kind: Kind,
    tls: Option<Arc<Tls>>,
}

enum Kind {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address.
    #[error("cannot listen on {0}: {why}", why = why_not(.1))]
    Listen(Listen, io::Error),
    /// The certificate or its key.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What keeps the server from listening, and what to do.
fn why_not(error: &io::Error) -> String {
    let known = [
        (
            io::ErrorKind::AddrInUse,
            "another program listens there, perhaps another countersign: end it, or give this one another --listen",
        ),
        (io::ErrorKind::AddrNotAvailable, "this machine has no such address: give another --listen"),
        (io::ErrorKind::PermissionDenied, "this user may not: give another --listen, with a port above 1023"),
    ];
    let found = known.iter().find(|(kind, _)| *kind == error.kind());
    found.map_or_else(|| error.to_string(), |(_, why)| (*why).to_owned())
}

/// Binds the listening socket; no connection is accepted yet.
///
/// # Errors
///
/// If the address is in use or not allowed, or the certificate or its key cannot be used.
pub async fn bind(http: &HttpConfig) -> Result<Listener, BindError> {
    let tls = match (&http.tls_cert, &http.tls_key, &http.listen) {
        (Some(_), Some(_), Listen::Unix(_)) => return Err(TlsError::OnUnixSocket.into()),
        (Some(cert), Some(key), Listen::Tcp(_)) => Some(Arc::new(Tls::open(cert, key)?)),
        // One of them alone is refused by the command line.
        (None, _, _) | (_, None, _) => None,
    };
    let kind = open(http).await.map_err(|error| BindError::Listen(http.listen.clone(), error))?;
    Ok(Listener { kind, tls })
}

async fn open(http: &HttpConfig) -> io::Result<Kind> {
    match &http.listen {
        Listen::Tcp(address) => {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            Ok(Kind::Tcp(listener, address))
        }
        Listen::Unix(path) => {
            let (listener, file) = bind_unix(&std::path::absolute(path)?, http)?;
            Ok(Kind::Unix(listener, file))
        }
    }
}

impl Listener {
    /// Returns the URL for clients, with the port that was taken.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.kind {
            Kind::Tcp(_, address) => format!("{}://{address}", self.scheme()),
            Kind::Unix(_, file) => format!("unix:{}", file.path.display()),
        }
    }

    /// Returns the certificate and key, if TLS is configured.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The next client; an error is the system's, or that of a client that has gone again.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Connection)> {
        match &self.kind {
            Kind::Tcp(listener, _) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let (local, peer) = (Some(stream.local_addr()?.ip()), Some(peer.ip()));
                Ok((Stream::Tcp(stream), Connection::new(local, peer, self.scheme())))
            }
            Kind::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Connection::new(None, None, "http")))
            }
        }
    }
}

/// A socket's file, which goes with the server.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // By now it may be another server's.
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Made under another name and moved into place, so that no client meets it before its group and mode are right, and the socket of a
/// server that died makes room without a gap.
fn bind_unix(path: &Path, http: &HttpConfig) -> io::Result<(UnixListener, SocketFile)> {
    make_room(path)?;
    // A name of its own, so that it takes no other socket's place.
    let draft = path.with_added_extension(uuid::Uuid::now_v7().to_string());
    let socket = UnixSocket::new_stream()?;
    socket.bind(&draft)?;
    let placed = place(&draft, path, http);
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    let inode = placed?;
    Ok((socket.listen(BACKLOG)?, SocketFile { path: path.to_owned(), inode }))
}

/// Gives a socket its group and mode, and moves it into place; its inode.
fn place(draft: &Path, path: &Path, http: &HttpConfig) -> io::Result<u64> {
    fs::set_permissions(draft, Permissions::from_mode(0o600))?;
    if let Some(group) = &http.socket_group {
        chown(draft, None, Some(group_id(group)?))?;
    }
    fs::set_permissions(draft, Permissions::from_mode(http.socket_mode))?;
    let inode = fs::symlink_metadata(draft)?.ino();
    fs::rename(draft, path)?;
    Ok(inode)
}

/// The number of a group, which is a number itself or a name of `/etc/group`.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let groups = fs::read_to_string("/etc/group")?;
    let mut lines = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let found = lines.find_map(|fields| match fields.as_slice() {
        [name, _, id, ..] if *name == group => id.parse().ok(),
        _ => None,
    });
    found.ok_or_else(|| io::Error::other(format!("there is no group {group} in /etc/group")))
}

/// Checks that no other process needs what is at `path`: a server that was killed leaves a socket without a listener.
fn make_room(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other("a file that is not a socket is there already"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(io::Error::other("another process listens there already")),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}
