//! The live tail: events as they become visible, to many listeners at once.
//!
//! ```text
//! new hot rows ─▶ Hub ─ each distinct filter once ─▶ rows ─ each distinct list of columns once ─▶ frames
//!                   └─▶ Queue of each listener (bounded) ─▶ its stream
//! ```
//!
//! A listener joins at the number up to which the hub has told everybody; what lies between that and where the
//! listener was is read from the table and memory by an ordinary query. One whose queue is full is let go by the
//! hub and joins again like one that comes back: it loses nothing, and nobody waits for it.
//!
//! # Invariants
//! * A queue gets every matching row from the join on, in the order of `_seq`, or it is marked as behind.
//! * What a listener holds is bounded by `tail.buffer_max`, and shared with others who ask for the same.
//! * No SQL runs for a listener that keeps up.

mod condition;
mod frame;
mod hub;
mod position;
mod queue;
mod slots;

pub use condition::condition;
pub use frame::{dropped, end, heartbeat, hello, row};
pub use hub::{Hub, Wanted};
pub use position::{BadPosition, Epoch, Position};
pub use queue::{Chunk, Next, Queue};
pub use slots::{Slot, Slots, SlotsTaken};

#[cfg(test)]
mod tests;
