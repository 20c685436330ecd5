//! Agent, approver and server as three users of one machine, as SECURITY.md says: what each can reach of the others.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::harness::{Process, countersign, until};

/// The users, and the group of those who may call the server. They need no names: no user is made on this machine.
const SERVER: u32 = 64_001;
const BUILDER: u32 = 64_002;
const ADA: u32 = 64_003;
const STRANGER: u32 = 64_004;
const CLIENTS: u32 = 64_010;

/// The program where every user can run it, and a folder for each user.
struct Machine {
    directory: TempDir,
}

impl Machine {
    /// None, and a line about it, where this user cannot become others.
    fn new() -> Option<Self> {
        let machine = Self { directory: TempDir::new().unwrap() };
        let can = Command::new("setpriv").args([&format!("--reuid={ADA}"), "--clear-groups", "true"]).status();
        if !rustix::process::geteuid().is_root() || !can.is_ok_and(|status| status.success()) {
            writeln!(std::io::stderr().lock(), "skipped: this user cannot become others").unwrap();
            return None;
        }
        fs::set_permissions(machine.directory.path(), Permissions::from_mode(0o755)).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_countersign"), machine.path("countersign")).unwrap();
        for (name, user, mode) in
            [("data", SERVER, 0o700), ("run", SERVER, 0o755), ("builder", BUILDER, 0o700), ("ada", ADA, 0o700)]
        {
            fs::create_dir(machine.path(name)).unwrap();
            fs::set_permissions(machine.path(name), Permissions::from_mode(mode)).unwrap();
            chown(machine.path(name), Some(user), Some(user)).unwrap();
        }
        Some(machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn db(&self) -> String {
        self.path("data/test.db").display().to_string()
    }

    /// A program, run by this user; only the stranger is not in the group.
    fn as_user(&self, user: u32, program: &Path) -> Command {
        let groups = if user == STRANGER { "--clear-groups".to_owned() } else { format!("--groups={CLIENTS}") };
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={user}"), groups]).arg(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("COUNTERSIGN_CREDENTIALS_FILE", "none");
        command.stdin(Stdio::null());
        command
    }

    /// A command of countersign's, run by this user.
    fn command(&self, user: u32, arguments: &[&str]) -> Command {
        let mut command = self.as_user(user, &self.path("countersign"));
        command.args(arguments);
        command
    }

    /// The same, with the server's socket and the token in this file.
    fn call(&self, user: u32, token: &str, arguments: &[&str]) -> Output {
        let url = format!("unix:{}", self.path("run/socket").display());
        let mut command = self.command(user, arguments);
        command.args(["--url", &url, "--token-file"]).arg(self.path(token)).output().unwrap()
    }

    /// Makes a token as the server's user, in a file that this user alone can read.
    fn token(&self, name: &str, role: &str, user: u32, file: &str) {
        let made =
            self.command(SERVER, &["token", "create", "--name", name, "--role", role, "--db", &self.db()]).output();
        let made = made.unwrap();
        assert!(made.status.success(), "{made:?}");
        fs::write(self.path(file), made.stdout).unwrap();
        fs::set_permissions(self.path(file), Permissions::from_mode(0o600)).unwrap();
        chown(self.path(file), Some(user), Some(user)).unwrap();
    }
}

/// What was said on stderr by a command that failed.
#[track_caller]
fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_agent_of_another_user_reaches_the_socket_and_nothing_else() {
    let Some(machine) = Machine::new() else { return };
    machine.token("build-agent", "agent", BUILDER, "builder/token");
    machine.token("ada", "approver", ADA, "ada/token");
    let socket = machine.path("run/socket");
    let (listen, group) = (format!("unix:{}", socket.display()), CLIENTS.to_string());
    let flags = ["--socket-mode", "660", "--socket-group", &group, "--db", &machine.db()];
    let mut serve = machine.command(SERVER, &["serve", "--listen", &listen]);
    let process = Process::spawn(serve.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()));

    let ask = ["ask", "--request-id", "deploy", "--tool", "shell", "--input", r#"{"command":"make deploy"}"#];
    let mut asking = machine.command(BUILDER, &ask);
    asking.args(["--url", &listen, "--token-file"]).arg(machine.path("builder/token"));
    let mut asking = asking.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let listed = || String::from_utf8(machine.call(ADA, "ada/token", &["list"]).stdout).unwrap();
    until(|| listed().contains("deploy"));

    let own = machine.call(BUILDER, "builder/token", &["approve", "deploy"]);
    assert!(refusal(&own).contains("the role agent does not allow this"), "{own:?}");
    let others = machine.call(BUILDER, "ada/token", &["approve", "deploy"]);
    assert!(refusal(&others).contains("Permission denied"), "{others:?}");
    let made =
        machine.command(BUILDER, &["token", "create", "--name", "eve", "--role", "admin", "--db", &machine.db()]);
    assert!(refusal(&{ made }.output().unwrap()).contains("this user may not"));
    let server = process.id().to_string();
    let memory = format!("/proc/{server}/mem");
    for (program, arguments) in [
        ("cat", vec![machine.db()]),
        ("cat", vec![machine.db() + ".key"]),
        ("cat", vec![memory]),
        ("kill", vec!["-TERM".to_owned(), server.clone()]),
        ("rm", vec!["-f".to_owned(), socket.display().to_string()]),
    ] {
        let program = ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(program));
        let program = program.iter().find(|path| path.exists()).unwrap();
        let tried = machine.as_user(BUILDER, program).args(&arguments).output().unwrap();
        let said = refusal(&tried);
        assert!(said.contains("denied") || said.contains("not permitted"), "{program:?} {arguments:?}: {said}");
    }
    fs::write(machine.path("stolen"), fs::read(machine.path("ada/token")).unwrap()).unwrap();
    fs::set_permissions(machine.path("stolen"), Permissions::from_mode(0o644)).unwrap();
    let stranger = machine.call(STRANGER, "stolen", &["list"]);
    assert!(refusal(&stranger).contains("Permission denied"), "a user outside the group opened the socket");

    let approved = machine.call(ADA, "ada/token", &["approve", "deploy"]);
    assert!(approved.status.success(), "{approved:?}");
    assert!(asking.wait().unwrap().success());
    assert!(process.terminate().0.success());
    // The tokens, and nothing of the attempts.
    let doctor = countersign().args(["doctor", "--db", &machine.db()]).output().unwrap();
    assert!(doctor.status.success(), "{doctor:?}");
}
