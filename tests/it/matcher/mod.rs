//! What the patterns of trust rules match. Cases that only the matcher needs are in `tests/matching`, which the fuzzer and the
//! benchmark share.

mod corpus;
mod fuzzed;
mod properties;
mod time;
