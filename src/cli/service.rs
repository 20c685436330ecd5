//! `countersign service`: the server as a service of one user, started at log-in: a systemd user unit, on macOS a launchd agent.
//! A service of the whole machine is `packaging/countersign.service`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use clap::{Args, Parser as _, Subcommand};
use etcetera::{BaseStrategy, choose_base_strategy, home_dir};

use super::{Cli, Failure};

/// The service of this user.
#[derive(Debug, Subcommand)]
pub(super) enum ServiceCommand {
    /// Write the service's file, and start it now and at each log-in
    Install(Install),
    /// Stop the service and delete its file; the database stays
    Remove,
    /// Print the service's file
    Print(Flags),
}

#[derive(Debug, Args)]
pub(super) struct Install {
    /// Write the file and start nothing
    #[arg(long)]
    no_start: bool,

    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Args)]
pub(super) struct Flags {
    /// The flags of `countersign serve`, after --
    #[arg(last = true, value_name = "FLAGS")]
    serve: Vec<String>,
}

/// What starts services here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manager {
    Systemd,
    Launchd,
}

/// The name of the launchd agent.
const LABEL: &str = "countersign";

impl ServiceCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let manager = if cfg!(target_os = "macos") { Manager::Launchd } else { Manager::Systemd };
        match self {
            Self::Install(install) => install.run(manager),
            Self::Remove => remove(manager),
            Self::Print(flags) => Ok(write!(io::stdout(), "{}", manager.text(&flags.command()?))?),
        }
    }
}

impl Flags {
    /// The words that start the server; flags that `serve` would refuse are refused here.
    fn command(&self) -> Result<Vec<String>, Failure> {
        let mut words = vec!["countersign".to_owned(), "serve".to_owned()];
        words.extend(self.serve.iter().cloned());
        Cli::try_parse_from(&words).map_err(|error| Failure::Usage(error.to_string()))?;
        let program = env::current_exe()?;
        words[0] = program
            .to_str()
            .map(str::to_owned)
            .ok_or_else(|| Failure::Other(format!("the path of this program is no text: {}", program.display())))?;
        Ok(words)
    }
}

impl Install {
    fn run(self, manager: Manager) -> Result<(), Failure> {
        let (path, text) = (manager.path()?, manager.text(&self.flags.command()?));
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
        writeln!(io::stdout(), "wrote {}", path.display())?;
        let start = manager.start(&path);
        if self.no_start {
            return Ok(writeln!(io::stdout(), "start it with: {}", joined(&start, " && "))?);
        }
        start.iter().try_for_each(|words| call(words))?;
        Ok(writeln!(io::stdout(), "started; `countersign login` prints a link to the inbox")?)
    }
}

fn remove(manager: Manager) -> Result<(), Failure> {
    let path = manager.path()?;
    if !path.exists() {
        return Err(Failure::Other(format!("there is no service to remove: {} is not there", path.display())));
    }
    call(&manager.stop(&path))?;
    fs::remove_file(&path).map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
    Ok(writeln!(io::stdout(), "stopped, and removed {}", path.display())?)
}

/// Runs a command of the manager's.
fn call(words: &[String]) -> Result<(), Failure> {
    let failed = |why: String| Failure::Other(format!("`{}` failed: {why}", words.join(" ")));
    let [program, arguments @ ..] = words else { return Ok(()) };
    let done = Command::new(program).args(arguments).status().map_err(|error| failed(error.to_string()))?;
    if done.success() { Ok(()) } else { Err(failed(done.to_string())) }
}

fn joined(commands: &[Vec<String>], between: &str) -> String {
    commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(between)
}

impl Manager {
    /// Where the file belongs.
    fn path(self) -> Result<PathBuf, Failure> {
        let homeless = || Failure::Other("there is no home directory: set HOME".to_owned());
        match self {
            Self::Systemd => {
                let base = choose_base_strategy().map_err(|_| homeless())?;
                Ok(base.config_dir().join("systemd/user/countersign.service"))
            }
            Self::Launchd => {
                let home = home_dir().map_err(|_| homeless())?;
                Ok(home.join(format!("Library/LaunchAgents/{LABEL}.plist")))
            }
        }
    }

    fn text(self, command: &[String]) -> String {
        match self {
            Self::Systemd => systemd_unit(command),
            Self::Launchd => launchd_agent(command),
        }
    }

    fn start(self, path: &Path) -> Vec<Vec<String>> {
        match self {
            Self::Systemd => vec![
                words("systemctl --user daemon-reload"),
                words("systemctl --user enable countersign.service"),
                // It may run already, with other flags.
                words("systemctl --user restart countersign.service"),
            ],
            Self::Launchd => vec![with_path("launchctl load -w", path)],
        }
    }

    fn stop(self, path: &Path) -> Vec<String> {
        match self {
            Self::Systemd => words("systemctl --user disable --now countersign.service"),
            Self::Launchd => with_path("launchctl unload -w", path),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn with_path(text: &str, path: &Path) -> Vec<String> {
    let mut words = words(text);
    words.push(path.display().to_string());
    words
}

/// The server says when it is ready, and again after it has stopped in good order.
fn systemd_unit(command: &[String]) -> String {
    // What systemd would take for a specifier, a variable or the end of a word stands for itself.
    let quoted = command.iter().map(|word| {
        let word = word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
        format!("\"{word}\"")
    });
    let start = quoted.collect::<Vec<_>>().join(" ");
    format!(
        "[Unit]\nDescription=countersign: agents' questions wait for a person's answer\n\n\
         [Service]\nType=notify\nExecStart={start}\nRestart=on-failure\nUMask=0077\nLimitNOFILE=65536\nNoNewPrivileges=yes\n\n\
         [Install]\nWantedBy=default.target\n"
    )
}

fn launchd_agent(command: &[String]) -> String {
    let mut arguments = String::new();
    for word in command {
        let word = word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        // Writing to a string does not fail.
        let _ = writeln!(arguments, "    <string>{word}</string>");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{LABEL}</string>\n  <key>ProgramArguments</key>\n  <array>\n\
         {arguments}  </array>\n  <key>RunAtLoad</key>\n  <true/>\n  <key>KeepAlive</key>\n  <dict>\n    <key>SuccessfulExit</key>\n    \
         <false/>\n  </dict>\n  <key>Umask</key>\n  <integer>63</integer>\n</dict>\n</plist>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_unit_stands_for_itself_whatever_is_in_it() {
        let unit = systemd_unit(&words("/opt/a%b$c\"d\\e serve"));
        assert!(unit.contains("ExecStart=\"/opt/a%%b$$c\\\"d\\\\e\" \"serve\"\n"), "{unit}");
    }

    #[test]
    fn a_launchd_agent_has_every_word_as_text() {
        let agent = launchd_agent(&words("/opt/countersign serve --db <a&b>"));
        let arguments = ["/opt/countersign", "serve", "--db", "&lt;a&amp;b&gt;"];
        for word in arguments {
            assert!(agent.contains(&format!("    <string>{word}</string>\n")), "{agent}");
        }
        assert!(agent.ends_with("</plist>\n"), "{agent}");
    }
}
