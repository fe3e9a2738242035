//! The table as a whole: what was flushed comes back, whatever happens in between.

pub(crate) mod chaos;
mod checked;
mod compaction;
mod expire;
mod faults;
mod interleavings;
mod layout;
mod opening;
mod races;
mod rewrite;
mod s3;
pub(super) mod support;
mod transfer;
mod weather;
mod years;
