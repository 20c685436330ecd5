//! People who decide: by the calls of programs, by the forms of the inbox as a browser sends them, and by commands.

use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use super::agents::Job;
use super::world::World;
use crate::harness::page::Browser;
use crate::harness::{Client, countersign};

/// How often a form or a command is tried that does not come through.
const TRIES: usize = 400;

/// How long a person waits before the next try.
const AGAIN: Duration = Duration::from_millis(50);

/// Decides what comes until no more does; how long each took.
fn decide_all(jobs: &Receiver<Job>, mut decide: impl FnMut(&Job)) -> Vec<Duration> {
    let timed = |job: Job| {
        let begun = Instant::now();
        decide(&job);
        begun.elapsed()
    };
    jobs.iter().map(timed).collect()
}

/// What a decision makes of an interaction.
fn status(job: &Job) -> &'static str {
    match (job.kind, job.allow) {
        ("question", _) | ("secret", true) => "answered",
        ("secret", false) => "cancelled",
        (_, true) => "approved",
        (_, false) => "rejected",
    }
}

/// Through the API.
pub(super) fn by_calls(world: &World, approver: &Client, jobs: &Receiver<Job>) -> Vec<Duration> {
    decide_all(jobs, |job| {
        let (path, mut body) = match job.kind {
            "confirmation" => ("/v1/confirm", json!({"decision": if job.allow { "allow" } else { "deny" }})),
            "question" => {
                ("/v1/question-response", json!({"responses": [{"questionId": "colour", "optionId": "red"}]}))
            }
            _ => ("/v1/secret", if job.allow { json!({"value": "v"}) } else { json!({"value": null}) }),
        };
        body["requestId"] = Value::from(job.id.as_str());
        let (answer, deferred) = world.ask(approver, "POST", path, Some(&body));
        if answer.status == 200 {
            world.resolved(&job.id, status(job));
        } else {
            world.complain(format!("a person could not decide {}: {answer:?}", job.id));
        }
        if deferred > 0 {
            world.complain(format!("a person was told to come later, {deferred} times, for {}", job.id));
        }
    })
}

/// Through the inbox: the queue has to show the card, and then its form is sent.
pub(super) fn by_forms(world: &World, browser: &Browser, csrf: &str, jobs: &Receiver<Job>) -> Vec<Duration> {
    decide_all(jobs, |job| {
        let (form, decision) = match (job.kind, job.allow) {
            ("secret", true) => ("secret", "give"),
            ("secret", false) => ("secret", "decline"),
            (_, true) => ("decide", "allow"),
            (_, false) => ("decide", "deny"),
        };
        let fields = [("csrf", csrf), ("decision", decision), ("value", "v")];
        let fields = &fields[..if decision == "give" { 3 } else { 2 }];
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", world.url.as_str())];
        let path = format!("/interactions/{}/{form}", job.id);
        let mut is_shown = false;
        for _ in 0..TRIES {
            if !is_shown {
                let Ok(queue) = browser.try_send("GET", "/", &[], None) else {
                    thread::park_timeout(AGAIN);
                    continue;
                };
                is_shown = true;
                let is_there = queue.text.contains(&format!("data-request-id=\"{}\"", job.id));
                if !is_there && !queue.text.contains("more wait behind these") {
                    world.complain(format!("the queue does not show {}", job.id));
                }
            }
            match browser.try_send("POST", &path, &headers, Some(body.as_bytes())) {
                Ok(answer) if answer.status == 303 => return world.resolved(&job.id, status(job)),
                // A try whose answer was lost may have come through: its agent will say how it ended.
                Ok(answer) if answer.status == 404 && answer.text.contains("already") => return,
                Ok(answer) => return world.complain(format!("a form was refused for {}: {}", job.id, answer.text)),
                Err(_) => {
                    thread::park_timeout(AGAIN);
                }
            }
        }
        world.complain(format!("a form came to nothing for {}", job.id));
    })
}

/// By `approve`, `reject` and `answer`, with the whole id.
pub(super) fn by_terminal(world: &World, approver: &Client, jobs: &Receiver<Job>) -> Vec<Duration> {
    decide_all(jobs, |job| {
        let mut said = String::new();
        for _ in 0..TRIES {
            let mut command = countersign();
            match job.kind {
                "question" => command.args(["answer", &job.id, "--option", "red"]),
                _ if job.allow => command.args(["approve", &job.id]),
                _ => command.args(["reject", &job.id]),
            };
            let token = approver.token.as_deref().unwrap();
            // The hostile agent registers ids that begin with this one: then the command asks to be told that this very one is meant.
            let output =
                command.args(["--exact", "--url", &world.url]).env("COUNTERSIGN_TOKEN", token).output().unwrap();
            if output.status.success() {
                return world.resolved(&job.id, status(job));
            }
            said = String::from_utf8_lossy(&output.stderr).into_owned();
            if said.contains("already") {
                return;
            }
            thread::park_timeout(AGAIN);
        }
        world.complain(format!("a command came to nothing for {}: {said}", job.id));
    })
}
