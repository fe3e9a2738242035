//! The table as a whole: what was flushed comes back, whatever happens in between.

mod compaction;
mod expire;
mod faults;
mod interleavings;
mod layout;
mod opening;
mod races;
mod s3;
pub(super) mod support;
mod years;
