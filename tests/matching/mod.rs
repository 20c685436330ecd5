//! What trust rules decide, asked without a server. Included by path wherever the matcher is held against something: by the
//! integration tests, by the fuzzer and by the benchmark of hostile inputs.

pub(crate) mod asked;
pub(crate) mod fuzzed;
pub(crate) mod shell;
