//! Where the connection is encrypted, the server is the one that it says it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::server::{Postgres, said};
use crate::harness::countersign;
use crate::harness::outside::refused;

/// Files with an authority, and with a certificate of it and its key.
struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        fs::write(folder.join(format!("{name}.pem")), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder: folder.to_owned(), issuer: Issuer::new(params, key) }
    }

    /// Makes `name.pem` and `name.key`, for a host or a role of that name.
    fn certify(&self, file: &str, name: &str) -> (PathBuf, PathBuf) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let (certificate, private) = (self.folder.join(format!("{file}.pem")), self.folder.join(format!("{file}.key")));
        fs::write(&certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        fs::write(&private, key.serialize_pem()).unwrap();
        fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).unwrap();
        (certificate, private)
    }
}

#[test]
fn a_server_is_reached_with_tls_where_its_certificate_and_its_name_are_right() {
    let Some(postgres) = Postgres::up() else { return };
    let folder = postgres.folder().to_owned();
    let (authority, _) = (Authority::new(&folder, "authority"), Authority::new(&folder, "other"));
    let (server, server_key) = authority.certify("server", "localhost");
    let (client, client_key) = authority.certify("client", "ada");
    postgres.give(&server_key);
    postgres.sql(
        "postgres",
        "CREATE ROLE ada LOGIN; CREATE ROLE bob LOGIN PASSWORD 'hush'; GRANT CREATE ON DATABASE postgres TO ada, bob",
    );
    let access = "local all all trust\nhostssl all ada all cert\nhost all bob all scram-sha-256\n";
    fs::write(postgres.data().join("pg_hba.conf"), access).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let shown = |path: &Path| path.display().to_string();
    let ca = shown(&folder.join("authority.pem"));
    postgres.again(&format!(
        "-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on -c ssl_cert_file={} -c ssl_key_file={} -c ssl_ca_file={ca}",
        shown(&server),
        shown(&server_key)
    ));
    let head = |role: &str, host: &str, settings: &str| {
        let mut command = countersign();
        command.args(["token", "list", "--db", &format!("postgres://{role}@{host}:{port}/postgres?{settings}")]);
        command
    };
    let certificate = format!("sslcert={}&sslkey={}", shown(&client), shown(&client_key));
    let as_ada = format!("{certificate}&sslrootcert={ca}");
    let url = format!("postgres://ada@localhost:{port}/postgres?{as_ada}");
    said(countersign().args(["token", "create", "ada", "--role", "approver", "--db", &url]));
    for mode in ["require", "verify-ca", "verify-full"] {
        said(&mut head("ada", "localhost", &format!("{as_ada}&sslmode={mode}")));
        said(head("ada", "localhost", &format!("{certificate}&sslmode={mode}")).args(["--db-ca-file", &ca]));
        // Whatever the word, a wrong authority and a wrong name are refused.
        let other = shown(&folder.join("other.pem"));
        for unknown in [String::new(), format!("&sslrootcert={other}")] {
            let why = refused(&mut head("ada", "localhost", &format!("{certificate}&sslmode={mode}{unknown}")));
            assert!(why.contains("of no authority that is trusted"), "{why}");
        }
        let why = refused(&mut head("ada", "127.0.0.1", &format!("{as_ada}&sslmode={mode}")));
        assert!(why.contains("for another name than 127.0.0.1"), "{why}");
    }
    let why = refused(&mut head("ada", "localhost", &format!("sslmode=require&sslrootcert={ca}")));
    assert!(why.contains("client certificate"), "{why}");
    fs::set_permissions(&client_key, fs::Permissions::from_mode(0o644)).unwrap();
    let why = refused(&mut head("ada", "localhost", &as_ada));
    assert!(why.contains("chmod 600"), "{why}");
    // A password, in each place that it may come from.
    let why = refused(&mut head("bob", "localhost", ""));
    assert!(why.contains("asks for a password"), "{why}");
    let why = refused(head("bob", "localhost", "").env("PGPASSWORD", "other"));
    assert!(why.contains("the password of bob is wrong"), "{why}");
    let file = folder.join("passwords");
    fs::write(&file, format!("localhost:{port}:*:bob:hush\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let why = refused(head("bob", "localhost", "").env("PGPASSFILE", &file));
    assert!(why.contains("chmod 600") && !why.contains("hush"), "{why}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    for command in
        [head("bob", "localhost", "").env("PGPASSFILE", &file), head("bob", "localhost", "").env("PGPASSWORD", "hush")]
    {
        let why = refused(command);
        assert!(why.contains("the role bob has no rights"), "{why}");
    }
}
