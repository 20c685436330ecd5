//! Trust rules held against whatever a fuzzer thinks of; `scripts/fuzz` runs it.
#![no_main]

#[path = "../../tests/matching/mod.rs"]
#[expect(dead_code, reason = "the tests ask more")]
mod matching;

use std::path::Path;

use countersign::rules_file::{Example, RulesFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seed(), |input: &[u8]| matching::fuzzed::check(input));

/// Writes the inputs that earlier runs chose, and the lines of the corpora that people wrote, each with the pattern of its
/// rule, into the folder `SEEDS`.
fn seed() {
    let Ok(folder) = std::env::var("SEEDS") else {
        return;
    };
    for (line, input) in matching::fuzzed::corpus() {
        std::fs::write(Path::new(&folder).join(format!("fuzzed-{line}")), input).expect("a seed");
    }
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    for name in ["bypasses", "cautious", "denied", "ordinary"] {
        let text = std::fs::read_to_string(corpora.join(name).with_extension("toml")).expect("a corpus");
        let file = RulesFile::parse(&text, usize::MAX).expect("rules");
        for rule in &file.rules {
            for (number, example) in rule.matching.iter().chain(&rule.not_matching).enumerate() {
                let Example::Subject(line) = example else {
                    continue;
                };
                let input = format!("c{}\0{line}", rule.pattern.as_str());
                let path = Path::new(&folder).join(format!("{}-{number}", rule.name.as_str().replace(':', "-")));
                std::fs::write(path, input).expect("a seed");
            }
        }
    }
}
