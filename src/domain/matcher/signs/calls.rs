//! What runs another command, or a text as a program: each is looked into as what it runs.

use super::arguments::{Argument, Call};
use super::ground::Ground;
use super::{Findings, Sign, hosts, programs, shell};
use crate::domain::matcher::doubt::Doubt;
use crate::domain::matcher::names::base_name;
use crate::domain::matcher::programs::is_shell;

/// How deep programs that run others are looked into, and how many texts: enough for all that people write.
const MAX_DEPTH: usize = 12;
const MAX_TEXTS: usize = 32;

/// What a call reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Input {
    pub(super) is_pipe: bool,
    /// The texts that come with it, each where all of it is known.
    pub(super) documents: Vec<Option<String>>,
}

impl Input {
    const fn is_there(&self) -> bool {
        self.is_pipe || !self.documents.is_empty()
    }
}

/// The calls of a line, as far as they have been looked into.
pub(super) struct Calls<'f> {
    pub(super) findings: &'f mut Findings,
    depth: usize,
    texts: usize,
}

/// Programs that run the command which follows: their options that have a value in the next word, and how many words stand in
/// front of the command.
const PREFIXES: &[(&[&str], &str, usize)] = &[
    (&["builtin", "chronic", "nocorrect", "nohup", "setsid", "unbuffer", "winpty"], "", 0),
    (&["command"], "", 0),
    (&["exec"], "-a", 0),
    (&["time"], "-f -o --format --output", 0),
    (&["nice"], "-n --adjustment", 0),
    (&["ionice"], "-c -n -t", 0),
    (&["stdbuf"], "-i -o -e", 0),
    (&["timeout"], "-k -s --kill-after --signal", 1),
    (&["env", "cross-env"], "-u -C -S --unset --chdir --split-string", 0),
    (&["xargs"], "-a -d -E -I -L -n -P -s --arg-file --max-args --max-procs", 0),
    (&["parallel"], "-j -a -I --jobs --colsep --joblog", 0),
    (&["watch"], "-n --interval", 0),
    (&["strace", "ltrace"], "-e -o -s -u", 0),
    (&["npx", "bunx", "pnpx"], "-p --package", 0),
    (&["chroot", "flock", "taskset"], "-E -w --userspec", 1),
    (&["sudo"], SUDO, 0),
    (&["doas"], "-C -u", 0),
    (&["pkexec"], "--user", 0),
    (&["gosu", "su-exec"], "", 1),
];

const SUDO: &str = "-C -D -g -h -p -R -r -T -t -U -u --chdir --chroot --close-from --command-timeout --group --host --other-user \
    --prompt --role --type --user";

/// Those of them that run it as another user, and `sudoedit`.
const OTHER_USERS: &[&str] = &["doas", "gosu", "pkexec", "runuser", "su", "su-exec", "sudo", "sudoedit"];

/// Options with which these run nothing.
const LOOKS: &str = "-h -K -k -l -V -v --help --list --remove-timestamp --reset-timestamp --validate --version";

/// Interpreters, and the options whose value is a program.
const INTERPRETERS: &[(&str, &[&str])] = &[
    ("bun", &["-e", "--eval"]),
    ("deno", &[]),
    ("julia", &["-e", "-E"]),
    ("lua", &["-e"]),
    ("node", &["-e", "-p", "-pe", "--eval", "--print"]),
    ("osascript", &["-e"]),
    ("perl", &["-e", "-E"]),
    ("php", &["-r"]),
    ("python", &["-c"]),
    ("rscript", &["-e"]),
    ("ruby", &["-e"]),
];

impl<'f> Calls<'f> {
    pub(super) const fn new(findings: &'f mut Findings) -> Self {
        Self { findings, depth: 0, texts: 0 }
    }

    /// A command that is given as a list of words.
    pub(super) fn run_words(&mut self, words: &[String], ground: &Ground) {
        let words = words.iter().map(|word| Argument::literal(word)).collect::<Vec<_>>();
        self.run(&words, &mut ground.clone(), &Input::default());
    }

    /// Looks into a command; `ground` goes where it goes.
    pub(super) fn run(&mut self, words: &[Argument], ground: &mut Ground, input: &Input) {
        let Some((program, words)) = words.split_first() else { return };
        let Some(program) = program.whole() else { return self.findings.doubt(Doubt::Expansion) };
        if self.depth == MAX_DEPTH {
            return self.findings.doubt(Doubt::TooMuch);
        }
        self.depth += 1;
        let name = base_name(program);
        self.call(&Call { name: &name, words }, ground, input);
        self.depth -= 1;
    }

    fn call(&mut self, call: &Call<'_>, ground: &mut Ground, input: &Input) {
        match call.name {
            "cd" | "chdir" | "pushd" => {
                let to = call.words.iter().find(|word| !word.is("--") && !word.is_option());
                ground.go(to.and_then(Argument::whole));
            }
            "popd" => ground.go(None),
            "eval" => {
                self.findings.add(Sign::RunsText);
                self.joined(call.words, ground);
            }
            "trap" => call.words.first().into_iter().for_each(|text| self.text(text.whole(), ground)),
            "source" | "." if call.words.first().is_some_and(|script| script.is_output) => {
                self.findings.add(Sign::RunsText);
            }
            name if is_shell(name) => self.shell(call, ground, input),
            "su" | "runuser" | "sudoedit" => self.as_other_user(call, ground),
            "ssh" => self.on_host(call),
            "docker" | "podman" | "kubectl" | "oc" if call.says(&["exec"]) => self.in_container(call),
            "find" | "fd" => self.found(call, ground),
            name => match PREFIXES.iter().find(|(names, ..)| names.contains(&name)) {
                Some((_, valued, before)) => self.prefix(call, (valued, *before), ground, input),
                None => self.plain(call, ground, input),
            },
        }
    }

    /// A program that runs nothing else, or that is an interpreter.
    fn plain(&mut self, call: &Call<'_>, ground: &mut Ground, input: &Input) {
        if let Some((_, options)) = INTERPRETERS.iter().find(|(name, _)| *name == call.name) {
            let module = call.words.iter().take_while(|word| word.is_option()).position(|word| word.is("-m"));
            if let Some(at) = module.filter(|_| call.name == "python") {
                return self.run(call.words.get(at + 1..).unwrap_or_default(), ground, input);
            }
            let script = call.operands("-W -X -I -r --require --import").first().copied();
            let has_text =
                call.words.iter().take_while(|word| word.is_option()).any(|word| is_text_option(word, options));
            let reads = input.is_there() && script.is_none_or(|script| script.is("-"));
            let is_text = has_text || reads || script.is_some_and(|script| script.is_output);
            if is_text || (matches!(call.name, "deno") && script.is_some_and(|script| script.is("eval"))) {
                self.findings.add(Sign::RunsText);
            }
        }
        programs::of(call, ground, self.findings);
    }

    fn shell(&mut self, call: &Call<'_>, ground: &Ground, input: &Input) {
        let operands = call.operands("-o +o -O --rcfile --init-file");
        let is_command = |word: &Argument| {
            word.text.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains('c'))
        };
        let script = operands.first().copied();
        if call.words.iter().take_while(|word| word.is_option()).any(is_command) {
            self.findings.add(Sign::RunsText);
            return self.text(script.and_then(Argument::whole), ground);
        }
        let reads = script.is_none_or(|script| script.is("-") || script.is("/dev/stdin")) || call.has(&["-s"]);
        if (reads && input.is_there()) || script.is_some_and(|script| script.is_output) {
            self.findings.add(Sign::RunsText);
            input.documents.iter().for_each(|document| self.text(document.as_deref(), ground));
        }
    }

    /// `su` and `runuser`, which run a shell, a text or a command.
    fn as_other_user(&mut self, call: &Call<'_>, ground: &Ground) {
        if call.has(&["--help", "--version"]) {
            return;
        }
        self.findings.add(Sign::OtherUser);
        let texts = call.values(&["-c", "--command"]);
        texts.iter().for_each(|text| self.text(text.whole(), ground));
        if call.name == "runuser" && texts.is_empty() && call.has(&["-u"]) {
            let command = call.begin("-u -g -G", 0, |_| false).and_then(|at| call.words.get(at..));
            self.run(command.unwrap_or_default(), &mut ground.clone(), &Input::default());
        }
    }

    fn on_host(&mut self, call: &Call<'_>) {
        hosts::of(call, self.findings);
        let host = call.begin(hosts::SSH, 0, |_| false);
        let command = host.and_then(|at| call.words.get(at + 1..)).filter(|words| !words.is_empty());
        if let Some(words) = command {
            self.joined(words, &Ground::elsewhere());
        }
    }

    /// A command in a container: behind `--`, or behind the container's name.
    fn in_container(&mut self, call: &Call<'_>) {
        let behind_dashes = call.words.iter().position(|word| word.is("--")).map(|at| at + 1);
        let Some(at) = call.words.iter().position(|word| word.is("exec")) else { return };
        let of_exec = Call { name: call.name, words: &call.words[at + 1..] };
        let valued = "-e -u -w -n -c --env --index --user --workdir --namespace --container";
        let behind_name = of_exec.begin(valued, 1, |_| false).map(|begin| at + 1 + begin);
        let command = behind_dashes.or(behind_name).and_then(|at| call.words.get(at..));
        self.run(command.unwrap_or_default(), &mut Ground::elsewhere(), &Input::default());
    }

    /// What `find` and `fd` do with the files that they find.
    fn found(&mut self, call: &Call<'_>, ground: &Ground) {
        if call.name == "find" && call.says(&["-delete"]) {
            self.findings.add(Sign::Deletes);
            for place in call.words.iter().take_while(|word| !word.is_option()).filter_map(Argument::whole) {
                self.findings.write(place, ground);
            }
        }
        let runs = ["-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"];
        for (at, _) in call.words.iter().enumerate().filter(|(_, word)| runs.iter().any(|option| word.is(option))) {
            let rest = call.words.get(at + 1..).unwrap_or_default();
            let end = rest.iter().position(|word| word.is(";") || word.is("+")).unwrap_or(rest.len());
            self.run(&rest[..end], &mut ground.clone(), &Input::default());
        }
    }

    /// A program that runs the command behind its options.
    fn prefix(&mut self, call: &Call<'_>, (valued, before): (&str, usize), ground: &Ground, input: &Input) {
        let is_assignment =
            |text: &str| text.contains('=') && matches!(call.name, "env" | "cross-env" | "sudo" | "doas");
        let begin = call.begin(valued, before, is_assignment);
        let options = &call.words[..begin.unwrap_or(call.words.len())];
        let is_look = |option: &Argument| LOOKS.split(' ').any(|look| option.is(look));
        if OTHER_USERS.contains(&call.name) {
            let only_looks =
                options.iter().any(is_look) && !(begin.is_some() && options.iter().any(|word| word.is("-h")));
            if only_looks || options.is_empty() && begin.is_none() {
                return;
            }
            self.findings.add(Sign::OtherUser);
        }
        if call.name == "command" && options.iter().any(is_look) {
            return;
        }
        let own = Call { name: call.name, words: options };
        for text in own.values(&["-S", "--split-string"]) {
            self.text(text.whole(), ground);
        }
        let Some(inner) = begin.and_then(|at| call.words.get(at..)) else { return };
        match inner {
            // `watch` and `flock -c` give it to a shell.
            [text] if text.text.contains(' ') && matches!(call.name, "watch" | "flock" | "parallel") => {
                self.text(text.whole(), ground);
            }
            _ => {
                let mut inner = inner.to_vec();
                // What it reads becomes words.
                let reads = matches!(call.name, "xargs" | "parallel");
                inner.extend(reads.then(Argument::unknown));
                let nothing = Input::default();
                self.run(&inner, &mut ground.clone(), if reads { &nothing } else { input });
            }
        }
    }

    /// Words that a shell reads as one text.
    fn joined(&mut self, words: &[Argument], ground: &Ground) {
        let texts = words.iter().map(Argument::whole).collect::<Option<Vec<_>>>();
        self.text(texts.map(|texts| texts.join(" ")).as_deref(), ground);
    }

    /// A text that a shell reads; `None` where not all of it is known.
    fn text(&mut self, text: Option<&str>, ground: &Ground) {
        let Some(text) = text else { return self.findings.doubt(Doubt::Expansion) };
        if self.texts == MAX_TEXTS || self.depth == MAX_DEPTH {
            return self.findings.doubt(Doubt::TooMuch);
        }
        if matches!(text.trim(), "" | "-") {
            return;
        }
        self.texts += 1;
        self.depth += 1;
        shell::read(text, ground.clone(), self);
        self.depth -= 1;
    }
}

/// Whether an option has a program for its value: alone, with it behind, or last among other letters.
fn is_text_option(word: &Argument, options: &[&str]) -> bool {
    options.iter().any(|option| {
        let letters = word.text.strip_prefix('-').filter(|letters| letters.bytes().all(|c| c.is_ascii_alphanumeric()));
        let is_last =
            || letters.is_some_and(|letters| option.len() == 2 && letters.len() < 6 && letters.ends_with(&option[1..]));
        word.text == *option || word.text.starts_with(&format!("{option}=")) || is_last()
    })
}
