//! Other ways in than an address in the clear: a socket in the file system, TLS, and what systemd is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::{fs, net};

use tempfile::TempDir;
use tokio_rustls::rustls;

use crate::harness::outside::refused;
use crate::harness::{Client, Named as _, Process, countersign, signal, until};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: anybody\r\nConnection: close\r\n\r\n";

fn alive(socket: &Path) -> bool {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(REQUEST).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 200 OK\r\n")
}

#[test]
fn a_socket_in_the_file_system_is_its_owners_alone_and_goes_with_the_server() {
    let directory = TempDir::new().unwrap();
    let (db, socket) = (directory.path().join("test.db"), directory.path().join("door"));
    let listen = format!("unix:{}", socket.display());
    let first = Process::serve_on(&listen, &db, &[]);
    assert_eq!(first.url, listen);
    let found = fs::symlink_metadata(&socket).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert!(alive(&socket));
    first.kill();
    assert!(socket.exists(), "a killed server leaves its socket behind");
    let second = Process::serve_on(&listen, &db, &[]);
    assert!(alive(&socket));
    assert!(second.terminate().0.success());
    assert!(!socket.exists());
}

#[test]
fn a_socket_takes_no_other_files_place() {
    let directory = TempDir::new().unwrap();
    let (db, socket, file) =
        (directory.path().join("test.db"), directory.path().join("door"), directory.path().join("file"));
    let _living = Process::serve_on(&format!("unix:{}", socket.display()), &db, &[]);
    fs::write(&file, "precious").unwrap();
    for (path, why) in
        [(&socket, "another process listens there already"), (&file, "a file that is not a socket is there already")]
    {
        let other = directory.path().join("other.db");
        let sentence =
            refused(countersign().arg("serve").arg("--db").arg(other).arg(format!("--listen=unix:{}", path.display())));
        assert!(sentence.ends_with(why), "{sentence}");
    }
    assert!(alive(&socket));
    assert_eq!(fs::read_to_string(file).unwrap(), "precious");
}

/// A certificate and its key, in files.
fn certificate(directory: &Path) -> (rcgen::CertifiedKey<rcgen::KeyPair>, [String; 2]) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = [("cert.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem())].map(|(name, text)| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    });
    (made, files)
}

type Secured = rustls::StreamOwned<rustls::ClientConnection, net::TcpStream>;

/// A connection on which the client trusts this certificate alone; an error where the server shows another.
fn secured(address: &str, trusted: &rcgen::CertifiedKey<rcgen::KeyPair>) -> std::io::Result<Secured> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let client = rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = rustls::StreamOwned::new(client, net::TcpStream::connect(address).unwrap());
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

#[test]
fn over_tls_a_client_is_answered_and_a_silent_one_is_not_waited_for() {
    let directory = TempDir::new().unwrap();
    let (made, [cert, key]) = certificate(directory.path());
    let flags = ["--tls-cert", &cert, "--tls-key", &key, "--header-timeout", "200ms"];
    let process = Process::serve(&directory.path().join("test.db"), &flags);
    let address = process.url.strip_prefix("https://").unwrap();
    let mut silent = net::TcpStream::connect(address).unwrap();
    let mut stream = secured(address, &made).unwrap();
    let origin = format!("https://{address}");
    write!(stream, "GET /healthz HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    assert!(process.terminate().0.success());
}

#[test]
fn a_hangup_reads_the_certificate_anew_and_ends_nothing() {
    let directory = TempDir::new().unwrap();
    let (old, [cert, key]) = certificate(directory.path());
    let process = Process::serve(&directory.path().join("test.db"), &["--tls-cert", &cert, "--tls-key", &key]);
    let address = process.url.strip_prefix("https://").unwrap().to_owned();
    assert!(secured(&address, &old).is_ok());
    let (new, _) = certificate(directory.path());
    assert!(secured(&address, &old).is_ok(), "it was read without being asked");
    signal(process.id(), "HUP");
    until(|| secured(&address, &new).is_ok());
    assert!(secured(&address, &old).is_err());
    // What cannot be used changes nothing.
    fs::write(&cert, "nothing").unwrap();
    signal(process.id(), "HUP");
    let plain = Process::serve(&directory.path().join("plain.db"), &[]);
    signal(plain.id(), "HUP");
    assert_eq!(Client::anonymous(&plain.url).get("/healthz").status, 200);
    assert!(plain.terminate().0.success());
    assert!(secured(&address, &new).is_ok());
    assert!(process.terminate().0.success());
}

#[test]
fn a_socket_has_the_mode_and_the_group_that_are_asked_for() {
    let directory = TempDir::new().unwrap();
    let (db, socket) = (directory.path().join("test.db"), directory.path().join("door"));
    let group = fs::metadata(directory.path()).unwrap().gid();
    let listen = format!("unix:{}", socket.display());
    let flags = ["--socket-mode", "660", "--socket-group", &group.to_string()];
    let process = Process::serve_on(&listen, &db, &flags);
    let found = fs::symlink_metadata(&socket).unwrap();
    assert_eq!((found.permissions().mode() & 0o777, found.gid()), (0o660, group));
    assert!(alive(&socket));
    assert!(process.terminate().0.success());
    let sentence =
        refused(countersign().args(["serve", "--listen", &listen, "--socket-group", "no-such-group"]).named(&db));
    assert!(sentence.contains("there is no group no-such-group"), "{sentence}");
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("door")), "{left:?}");
    let mode = countersign().args(["serve", "--socket-mode", "888"]).named(&db).output().unwrap();
    assert!(String::from_utf8(mode.stderr).unwrap().contains("a mode is in octal"));
}

#[test]
fn what_tls_cannot_be_spoken_with_is_said_in_one_sentence() {
    let directory = TempDir::new().unwrap();
    let (_, [cert, key]) = certificate(directory.path());
    let db = directory.path().join("test.db");
    let serve = |cert: &str, key: &str| {
        let flags = ["serve", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--db"];
        refused(countersign().args(flags).arg(&db))
    };
    assert!(serve("/nowhere", &key).contains("/nowhere: No such file"));
    assert!(serve(&key, &key).contains("holds no certificate"));
    assert!(serve(&cert, &cert).contains("holds no private key"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(serve(&cert, &key).contains("can be read by other users"));
}

#[test]
fn systemd_hears_when_the_server_listens_and_when_it_stops() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("notify");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let mut command = countersign();
    command.args(["serve", "--listen", "127.0.0.1:0"]).named(&directory.path().join("test.db"));
    command.env("NOTIFY_SOCKET", &path).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = Process::spawn(&mut command);
    let hear = || {
        let mut message = [0; 256];
        let length = systemd.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    assert_eq!(hear().trim(), "READY=1");
    assert!(process.terminate().0.success());
    assert_eq!(hear().trim(), "STOPPING=1");
}

#[test]
fn a_hangup_reads_the_filter_of_the_log_anew_and_ends_nothing() {
    let directory = TempDir::new().unwrap();
    let [db, filter, log] = ["test.db", "filter", "log"].map(|name| directory.path().join(name));
    fs::write(&filter, "warn,countersign=info\n").unwrap();
    let mut command = countersign();
    command.args(["serve", "--no-first-tokens", "--listen", "127.0.0.1:0"]).named(&db);
    command.arg("--log-filter-file").arg(&filter).stderr(fs::File::create(&log).unwrap()).stdout(Stdio::piped());
    let mut server = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let client = Client::anonymous(line.trim().strip_prefix("listening on ").unwrap());
    let logged = || fs::read_to_string(&log).unwrap();
    client.get("/healthz");
    for (written, told) in [
        ("warn,countersign=debug\n", "the filter of the log was read anew"),
        ("countersign=nonsense\n", "could not be read anew"),
        ("", "its first line is to be a filter"),
    ] {
        fs::write(&filter, written).unwrap();
        signal(server.id(), "HUP");
        until(|| logged().contains(told));
    }
    assert!(!logged().contains("/healthz"), "{}", logged());
    client.get("/healthz");
    until(|| logged().contains("/healthz"));
    signal(server.id(), "TERM");
    assert!(server.wait().unwrap().success());
}

#[test]
fn a_socket_that_no_client_could_connect_to_is_refused() {
    for mode in ["0", "000", "444"] {
        let output = countersign().args(["serve", "--listen", "unix:x", "--socket-mode", mode]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("no client can connect"), "{output:?}");
    }
}
