//! Memory of a function's result, taken from the query's pool for as long as the result lives.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use arrow::alloc::Allocation;
use arrow::array::{Array, ArrayData, ArrayRef, make_array};
use arrow::buffer::Buffer;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};

use crate::query::guard::task;

/// Bytes taken from the pool of the query that runs on this thread.
pub(super) struct Reservation(Option<MemoryReservation>);

/// Keeps a buffer and the reservation for it until the last user is gone.
struct Held {
    _buffer: Buffer,
    _reservation: AssertUnwindSafe<MemoryReservation>,
}

impl Reservation {
    /// Nothing yet. Outside of a query there is no pool, and nothing is counted.
    pub(super) fn new(function: &str) -> Self {
        let consumer = || MemoryConsumer::new(format!("{function}()"));
        Self(task::current().map(|task| consumer().register(task.pool())))
    }

    /// Takes or gives back so that `bytes` are taken.
    ///
    /// # Errors
    /// The pool has not so much left.
    pub(super) fn grow_to(&mut self, bytes: u64) -> Result<(), DataFusionError> {
        match &mut self.0 {
            Some(reservation) => reservation.try_resize(usize::try_from(bytes).unwrap_or(usize::MAX)),
            None => Ok(()),
        }
    }

    /// The array, which now gives the memory back when it is dropped.
    pub(super) fn attach(self, array: &ArrayRef) -> Result<ArrayRef, DataFusionError> {
        let Some(reservation) = self.0 else { return Ok(ArrayRef::clone(array)) };
        let mut held = Some(reservation);
        let data = hold(array.to_data(), &mut held)?;
        Ok(make_array(data))
    }
}

/// Replaces the largest buffer of the array, or of its first child, by one that owns the reservation.
fn hold(data: ArrayData, held: &mut Option<MemoryReservation>) -> Result<ArrayData, DataFusionError> {
    let largest = (0..data.buffers().len()).max_by_key(|&at| data.buffers()[at].len());
    let child = (0..data.child_data().len()).max_by_key(|&at| data.child_data()[at].get_buffer_memory_size());
    if let Some(at) = child {
        let mut children = data.child_data().to_vec();
        children[at] = hold(children[at].clone(), held)?;
        return Ok(data.into_builder().child_data(children).build()?);
    }
    if let Some(at) = largest
        && let Some(reservation) = held.take()
    {
        let mut buffers = data.buffers().to_vec();
        buffers[at] = owning(&buffers[at], reservation);
        // SAFETY: the buffers hold the same bytes at the same places as those that were valid before.
        return Ok(unsafe { data.into_builder().buffers(buffers).build_unchecked() });
    }
    Ok(data)
}

/// The same bytes; `reservation` lives as long as they do.
fn owning(buffer: &Buffer, reservation: MemoryReservation) -> Buffer {
    let length = buffer.len();
    let Some(start) = std::ptr::NonNull::new(buffer.as_ptr().cast_mut()) else { return buffer.clone() };
    let held: Arc<dyn Allocation> =
        Arc::new(Held { _buffer: buffer.clone(), _reservation: AssertUnwindSafe(reservation) });
    // SAFETY: `held` keeps a reference to the buffer that the pointer and the length are of, and buffers
    // never change; so the bytes stay where and what they are while the new buffer lives.
    unsafe { Buffer::from_custom_allocation(start, length, held) }
}
