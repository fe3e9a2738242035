//! Tests of the module as a whole, over small tables written here.

mod answers;
mod errors;
mod fixture;
mod functions;
mod fuzz;
mod guard;
mod limits;
mod live;
mod order;
mod partials;
mod pruning;
mod restrict;
mod suites;
