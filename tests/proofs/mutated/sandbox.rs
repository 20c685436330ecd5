//! Where lines are run: a directory of programs each of which does nothing but to record how it was called.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub(super) const SHELLS: [&str; 3] = ["bash", "dash", "zsh"];

/// The directory in which a stub makes a file that has how it was called.
const RECORD: &str = "RECORDED_IN";

/// How many stubs there are where lines run before that place is made anew.
const MAX_STUBS: usize = 200;

/// Whoever may write nowhere.
const NOBODY: u32 = 65_534;

/// How long a line may run, in seconds.
const LIMIT: &str = "5";

/// What a line did.
pub(super) struct Ran {
    /// The words of every program that was called.
    pub(super) calls: Vec<Vec<String>>,
    /// Files that are there and were not.
    pub(super) files: Vec<String>,
    /// Names of programs that no stub has.
    pub(super) missing: Vec<String>,
}

pub(super) struct Sandbox {
    root: TempDir,
    stubs: BTreeSet<String>,
    shells: Vec<(&'static str, PathBuf)>,
    timeout: PathBuf,
    shell: PathBuf,
    is_root: bool,
    calls: usize,
}

/// Whether a line reaches stubs only: no program by its place, no process, no file outside if it were redirected after all. A stub
/// is no script that a shell can read, either.
pub(super) fn can_be_run(line: &str) -> bool {
    let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || "_./~-".contains(c)));
    let is_program = |word: &str| (word.starts_with(['/', '~']) && word != "/dev/null") || word.starts_with("./");
    let bare = line.replace(['\'', '"', '\\'], "");
    let bare_words = bare.split(|c: char| !(c.is_ascii_alphanumeric() || "_./~-".contains(c)));
    !words.chain(bare_words).any(|word| {
        is_program(word) || word.contains("..") || matches!(word, "." | "kill" | "source" | "ulimit" | "umask" | "wait")
    })
}

fn find(program: &'static str) -> Result<PathBuf, &'static str> {
    let places =
        ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].iter().map(|place| Path::new(place).join(program));
    places.into_iter().find(|path| path.exists()).ok_or(program)
}

impl Sandbox {
    /// The name of what is missing, where it cannot be.
    pub(super) fn new() -> Result<Self, &'static str> {
        let shells = SHELLS.iter().map(|shell| find(shell).map(|path| (*shell, path))).collect::<Result<_, _>>()?;
        let root = TempDir::new().unwrap();
        let is_root = rustix::process::geteuid().is_root();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        for directory in ["bin", "calls", "home", "work"] {
            open_directory(&root.path().join(directory));
        }
        let shell = find("sh")?;
        let stub = root.path().join("stub");
        let script = format!("#!{}\nprintf '%s\\0' \"$0\" \"$@\" > \"${RECORD}/$$\"\n", shell.display());
        fs::write(&stub, script).unwrap();
        fs::set_permissions(&stub, Permissions::from_mode(0o555)).unwrap();
        Ok(Self { root, stubs: BTreeSet::new(), shells, timeout: find("timeout")?, shell, is_root, calls: 0 })
    }

    /// How many programs the last line called.
    pub(super) fn calls_of_last(&self) -> usize {
        self.calls
    }

    /// Runs `line` in `shell`.
    pub(super) fn run(&mut self, shell: &str, line: &str) -> Ran {
        self.stub_all(line);
        let work = self.root.path().join("work");
        let before = files(&work);
        let record = self.root.path().join("calls");
        let path = &self.shells.iter().find(|(name, _)| *name == shell).unwrap().1;
        let mut command = Command::new(&self.timeout);
        command.args(["-s", "KILL", LIMIT]).arg(&self.shell);
        command.args(["-c", "ulimit -f 4096 -t 5 -n 256; exec \"$0\" \"$@\""]).arg(path);
        if shell == "zsh" {
            command.arg("-f");
        }
        command.args(["-c", line]).current_dir(&work).env_clear();
        command
            .env("PATH", self.root.path().join("bin"))
            .env("HOME", self.root.path().join("home"))
            .env(RECORD, &record);
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // A stub that was killed has not yet written how it was called.
        let calls =
            files(&record).iter().map(|call| self.words(call)).filter(|words| !words.is_empty()).collect::<Vec<_>>();
        let made =
            files(&work).into_iter().filter(|file| !before.contains(file)).chain(files(&self.root.path().join("home")));
        let files = made.collect::<Vec<_>>();
        for file in &files {
            let _ = fs::remove_file(file);
        }
        let missing = said.lines().filter(|line| is_missing(line)).map(str::to_owned).collect();
        self.calls = calls.len();
        Ran { calls, files: files.iter().map(|file| file.display().to_string()).collect(), missing }
    }

    /// The words of one call, with which the file is done.
    fn words(&self, call: &Path) -> Vec<String> {
        let recorded = fs::read(call).unwrap();
        fs::remove_file(call).unwrap();
        let recorded = String::from_utf8_lossy(&recorded).into_owned();
        let mut words = recorded.split_terminator('\0').map(str::to_owned).collect::<Vec<_>>();
        // What `$PWD` gives stands for the working directory, whose path no rule can know.
        let work = self.root.path().join("work");
        for word in words.iter_mut().skip(1) {
            if let Ok(rest) = Path::new(word.as_str()).strip_prefix(&work) {
                let inside =
                    if rest.as_os_str().is_empty() { Path::new(".").to_owned() } else { Path::new(".").join(rest) };
                *word = inside.display().to_string();
            }
        }
        let bin = self.root.path().join("bin");
        if let Some(program) = words.first_mut()
            && let Ok(name) = Path::new(program.as_str()).strip_prefix(bin)
        {
            *program = name.display().to_string();
        }
        words
    }

    /// A stub for everything in a line that may be the name of a program, and a directory for where it goes.
    fn stub_all(&mut self, line: &str) {
        if self.stubs.iter().filter(|name| name.contains('/')).count() > MAX_STUBS {
            self.stubs.retain(|name| !name.contains('/'));
            let work = self.root.path().join("work");
            fs::remove_dir_all(&work).unwrap();
            open_directory(&work);
        }
        let bare = line.replace(['\'', '"', '\\'], "");
        let is_name = |c: char| c.is_alphanumeric() || "_./-+:@%,=[]{}^~*?!#".contains(c);
        let words =
            [line, &bare].map(|text| text.split(|c: char| !is_name(c)).map(str::to_owned).collect::<Vec<_>>()).concat();
        let mut before = String::new();
        for word in words {
            if before == "cd" && !word.starts_with('-') {
                let _ = fs::create_dir_all(self.root.path().join("work").join(&word));
            }
            for name in [word.as_str(), word.trim_start_matches(['{', '!'])] {
                self.stub(name);
            }
            if !word.is_empty() {
                before = word;
            }
        }
    }

    fn stub(&mut self, name: &str) {
        let is_file =
            !name.is_empty() && name.len() < 200 && !name.split('/').any(|part| part == ".." || part.is_empty());
        // Below the directory it would be found by a `*`, which covers no option but stands for a file that is called like one.
        let is_like_option = name.starts_with(['-', '+', '@']) && name.contains('/');
        if !is_file || name == "." || is_like_option || self.stubs.contains(name) {
            return;
        }
        let place = if name.contains('/') {
            self.root.path().join("work").join(name)
        } else {
            self.root.path().join("bin").join(name)
        };
        let _ = place.parent().map(fs::create_dir_all);
        let _ = symlink(self.root.path().join("stub"), place);
        self.stubs.insert(name.to_owned());
    }
}

/// Whether a shell says that there is no such program to run; words of its own that only look names up say so, too.
fn is_missing(said: &str) -> bool {
    // A name with a line break in it is told in several lines, and is that of no stub.
    let is_rest_of_line = said.starts_with(": ");
    let is_looked_up =
        is_rest_of_line || [": type: ", ": hash: ", ": command: "].iter().any(|word| said.contains(word));
    (said.contains("command not found") || said.ends_with(": not found")) && !is_looked_up
}

/// A directory in which everybody may write.
fn open_directory(directory: &Path) {
    fs::create_dir(directory).unwrap();
    fs::set_permissions(directory, Permissions::from_mode(0o777)).unwrap();
}

/// The files below a directory that are no links.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => directories.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found
}
