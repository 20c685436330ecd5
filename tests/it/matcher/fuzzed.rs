//! What the fuzzer has found worth keeping, once more: `scripts/fuzz` looks for more of it.

use std::fs;
use std::path::Path;

use crate::matching::fuzzed;

#[test]
fn nothing_that_the_fuzzer_kept_makes_the_matcher_do_what_it_must_not() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/matcher");
    let mut replayed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let checked = std::panic::catch_unwind(|| fuzzed::check(&input));
        assert!(checked.is_ok(), "{}: {:?}", path.display(), String::from_utf8_lossy(&input));
        replayed += 1;
    }
    assert!(replayed >= 50, "a corpus of {replayed} is none");
}
