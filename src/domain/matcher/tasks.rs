//! Words that name what else is run: another task, a plugin, a setting that runs a program, or code from out of the working
//! directory.

use super::operands::{Rival, Seen};
use super::permits::Role;
use super::place;

/// Programs each of whose words that is no option is a task.
const TASK_RUNNERS: &[&str] = &[
    "ant",
    "doit",
    "gradle",
    "grunt",
    "gulp",
    "inv",
    "invoke",
    "just",
    "mage",
    "make",
    "mvn",
    "ninja",
    "npm-run-all",
    "phing",
    "rake",
    "run-p",
    "run-s",
    "sbt",
    "scons",
    "task",
    "turbo",
    "xcodebuild",
];

/// Runners whose tasks may be files.
const MAKE_FILES: &[&str] = &["make", "ninja", "scons"];

/// What the names of tasks that only build, check or show begin with.
const HARMLESS: &[&str] = &[
    "assemble",
    "bench",
    "build",
    "check",
    "compile",
    "coverage",
    "dependenc",
    "detekt",
    "fmt",
    "format",
    "generate-",
    "initialize",
    "integration",
    "jacoco",
    "ktlint",
    "lint",
    "prepare-package",
    "process-",
    "spec",
    "spotless",
    "test",
    "type-check",
    "typecheck",
    "unit",
    "validate",
    "verify",
    "vet",
];

/// The whole names of others.
const HARMLESS_ALONE: &[&str] = &[
    "all",
    "analyze",
    "classes",
    "clean",
    "doc",
    "docs",
    "e2e",
    "help",
    "info",
    "jar",
    "javadoc",
    "list",
    "package",
    "pre-integration-test",
    "post-integration-test",
    "projects",
    "properties",
    "tasks",
    "types",
];

/// What is in the names of tasks that do more.
const HARMFUL: &[&str] = &[
    "deploy", "destroy", "drop", "install", "migrate", "publish", "push", "release", "reset", "seed", "serve", "start",
    "upload",
];

/// Goals of plugins of mvn that only build, check or show, each as the name of its plugin.
const PLUGINS: &[&str] = &[
    "checkstyle",
    "compiler",
    "dependency",
    "enforcer",
    "failsafe",
    "formatter",
    "help",
    "jacoco",
    "jar",
    "javadoc",
    "license",
    "pmd",
    "resources",
    "spotbugs",
    "spotless",
    "surefire",
    "surefire-report",
    "versions",
];

/// Programs that run what is in the files and directories that they are given, or what stands beside these.
const RUN_FILES: &[&str] = &[
    "astro",
    "ava",
    "dart",
    "dotnet",
    "eslint",
    "flutter",
    "go",
    "jasmine",
    "manage.py",
    "mix",
    "mocha",
    "next",
    "nuxt",
    "parcel",
    "pest",
    "phpunit",
    "prettier",
    "pytest",
    "rails",
    "rollup",
    "rspec",
    "stylelint",
    "tap",
    "unittest",
    "vite",
    "webpack",
];

/// Commands of sbt that take words, and only build, run or show what the project has.
const SBT: &[&str] =
    &["help", "inspect", "project", "projects", "run", "runmain", "settings", "show", "tasks", "testonly", "testquick"];

/// The words that name what else is run, and that have to be spelled.
pub(super) fn of_others(seen: &Seen<'_>) -> Vec<usize> {
    match seen.program {
        "mvn" => seen.operands_that(is_goal_of_others),
        // The first word says in which directory its file is.
        "just" => seen.operands().next().into_iter().filter(|at| seen.text(*at).contains('/')).collect(),
        "sbt" => seen.plain_words().filter(|at| is_command_of_sbt(seen.text(*at))).collect(),
        "xcodebuild" => seen.operands_that(|text| text.contains('=')),
        // It is often called from the directory that it builds in.
        "cmake" => seen.operands_that(|text| text.starts_with('/') && seen.here.leaves(text)),
        program if RUN_FILES.contains(&program) => {
            seen.plain_words().filter(|at| is_path_away(seen, seen.text(*at))).collect()
        }
        _ => Vec::new(),
    }
}

/// The tasks that a runner of tasks is given.
pub(super) fn tasks(seen: &Seen<'_>) -> Vec<Rival> {
    if !TASK_RUNNERS.contains(&seen.program) {
        return Vec::new();
    }
    // Behind two dashes most have words for the task, and turbo has a subcommand in front.
    let is_task = |at: &usize| {
        let is_word = seen.walked.roles[*at] == Role::Behind && !MAKE_FILES.contains(&seen.program);
        let is_subcommand = seen.program == "turbo" && seen.text(*at) == "run";
        !is_word && !is_subcommand
    };
    let rival = |word: usize| Rival { word, is_harmless: is_harmless(seen.program, seen.text(word)) };
    seen.plain_words().filter(is_task).map(rival).collect()
}

fn is_harmless(program: &str, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let name = if program == "gradle" { lower.rsplit(':').next().unwrap_or(&lower) } else { &lower };
    let is_file = text.contains(['/', '.']) && (MAKE_FILES.contains(&program) || program == "just");
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let does_more = HARMFUL.iter().any(|word| name.contains(word));
    let is_known = HARMLESS.iter().any(|beginning| name.starts_with(beginning)) || HARMLESS_ALONE.contains(&name);
    is_file || is_number || text.contains('=') || (is_known && !does_more)
}

/// Whether mvn takes `text` for a goal of a plugin that is not known to build, check or show only.
fn is_goal_of_others(text: &str) -> bool {
    let mut parts = text.split(':');
    let plugin = parts.next().unwrap_or_default();
    match parts.count() {
        0 => false,
        1 => !PLUGINS.contains(&plugin),
        _ => true,
    }
}

/// Whether a command of sbt has words of its own and may do more than to build, run or show what is there.
fn is_command_of_sbt(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    let command = words.next().unwrap_or_default();
    let name = command.rsplit(['/', ':']).next().unwrap_or(command).to_ascii_lowercase();
    text.starts_with('<') || (words.next().is_some() && !SBT.contains(&name.as_str()))
}

/// Whether `text` is a path out of the directory in which the line begins.
fn is_path_away(seen: &Seen<'_>, text: &str) -> bool {
    let is_path = place::may_leave(text);
    is_path && !text.starts_with("/dev/") && seen.here.leaves(text)
}
