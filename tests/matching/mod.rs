//! What trust rules decide, asked without a server. Included by path wherever the matcher is held against something: by the

pub(crate) mod asked;
pub(crate) mod fuzzed;
pub(crate) mod shell;
