//! What the tests from outside share: where the project and the corpora lie, how a centre, a sensor and a partner are run,
//! and how clients of every role see them.

pub mod capture;
pub mod centre;
pub mod client;
pub mod demo;
pub mod pair;
pub mod place;
pub mod process;
pub mod program;
pub mod sensor;
pub mod stix;
pub mod tap;
pub mod verdict;
pub mod wait;
pub mod word;
