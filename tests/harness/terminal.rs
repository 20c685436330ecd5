//! The real binary on a terminal of its own, whose screen is read as a person reads it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::os::unix::fs::OpenOptionsExt;

/// Rows and columns.
const SIZE: (u16, u16) = (40, 100);

/// A terminal, and the process in it. Killed when dropped.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    /// The process's end, kept open so that what it left behind can be looked at.
    far_end: File,
    shown: Arc<(Mutex<Shown>, Condvar)>,
}

/// What has come out of the process.
struct Shown {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

impl Terminal {
    /// Runs a command there.
    pub(crate) fn run(command: &mut Command) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let (rows, columns) = SIZE;
        tcsetwinsize(&near, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let no_controlling = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let far_end =
            OpenOptions::new().read(true).write(true).custom_flags(no_controlling).open(name.to_str().unwrap());
        let far_end = far_end.unwrap();
        let end = || far_end.try_clone().unwrap();
        let child = command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keys = File::from(near);
        let screen = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        let shown = Arc::new((Mutex::new(Shown { screen, bytes: Vec::new() }), Condvar::new()));
        std::thread::spawn({
            let (mut output, shown) = (keys.try_clone().unwrap(), Arc::clone(&shown));
            move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = output.read(&mut buffer) {
                    let mut now = shown.0.lock().unwrap();
                    now.screen.process(&buffer[..read]);
                    now.bytes.extend(&buffer[..read]);
                    shown.1.notify_all();
                }
            }
        });
        Self { child, keys, far_end, shown }
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows something, and not something else; what it then shows.
    #[track_caller]
    pub(crate) fn until(&self, is_so: impl Fn(&str) -> bool) -> String {
        let patience = Duration::from_secs(20);
        let now = self.shown.0.lock().unwrap();
        let (now, waited) =
            self.shown.1.wait_timeout_while(now, patience, |now| !is_so(&now.screen.screen().contents())).unwrap();
        let contents = now.screen.screen().contents();
        drop(now);
        assert!(!waited.timed_out(), "it did not come to pass on this screen:\n{contents}");
        contents
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub(crate) fn shows(&self, text: &str) -> String {
        self.until(|screen| screen.contains(text))
    }

    /// Everything that was ever sent to the terminal.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8_lossy(&self.shown.0.lock().unwrap().bytes).into_owned()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of the process, which has to leave the terminal as it was.
    #[track_caller]
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let modes = tcgetattr(&self.far_end).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON), "the terminal is left as {modes:?}");
        let patience = Duration::from_secs(20);
        let now = self.shown.0.lock().unwrap();
        let (now, waited) = self
            .shown
            .1
            .wait_timeout_while(now, patience, |now| {
                now.screen.screen().alternate_screen() || now.screen.screen().hide_cursor()
            })
            .unwrap();
        assert!(!waited.timed_out(), "the terminal's own screen is not back");
        (status, now.screen.screen().contents())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
