//! The calls of other programs: each with the words of its clients, to the letter. What holds of every call, its roles, its
//! errors and what it refuses, `api` walks for these, too.

mod aap;
mod humanlayer;
mod vellum;
