//! The inputs in `tests/corpus/fuzzed.txt`, which a fuzzer chose, once more: `scripts/fuzz` looks for others.

use crate::matching::fuzzed;

#[test]
fn nothing_that_the_fuzzer_kept_makes_the_matcher_do_what_it_must_not() {
    let mut replayed = 0;
    for (line, input) in fuzzed::corpus() {
        let checked = std::panic::catch_unwind(|| fuzzed::check(&input));
        assert!(checked.is_ok(), "line {line} of tests/corpus/fuzzed.txt: {:?}", String::from_utf8_lossy(&input));
        replayed += 1;
    }
    assert!(replayed >= 50, "a corpus of {replayed} inputs is none");
}
