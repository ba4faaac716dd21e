//! What the tests from outside share: where the project and the corpora lie, and how a centre is run.

pub mod place;
