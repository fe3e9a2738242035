//! What is asked of an object store: requests by kind and the bytes of their bodies.
//!
//! They are counted where they leave the process, so that retries, pages of lists and parts of uploads
//! count as the store counts them. Who wants to know what a piece of work asks for runs it in
//! [`observed`]; work that moves to another task or thread takes its observer along by itself.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a request does, as stores charge for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// Reads an object or a part of one.
    Get,
    /// Asks for an object's size and age.
    Head,
    /// Writes an object or a part of one, or begins or ends an upload in parts.
    Put,
    /// Reads a page of names.
    List,
    /// Deletes one object or many.
    Delete,
}

impl RequestKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Get, Self::Head, Self::Put, Self::List, Self::Delete];

    /// Its name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Put => "put",
            Self::List => "list",
            Self::Delete => "delete",
        }
    }

    /// The kind of an HTTP request to a store, by its method and the query of its URL.
    pub(super) fn of(method: &str, query: Option<&str>) -> Self {
        let has = |name: &str| {
            let names = query.into_iter().flat_map(|query| query.split('&'));
            names.map(|pair| pair.split('=').next().unwrap_or_default()).any(|found| found == name)
        };
        match method {
            "HEAD" => Self::Head,
            "DELETE" => Self::Delete,
            // Deleting many at once is a POST with the names in its body.
            "POST" if has("delete") || query.is_some_and(|query| query.contains("comp=batch")) => Self::Delete,
            "POST" | "PUT" => Self::Put,
            _ if has("list-type") || query.is_some_and(|query| query.contains("comp=list")) => Self::List,
            _ => Self::Get,
        }
    }
}

/// Told of requests.
pub trait Observer: Debug + Send + Sync {
    /// A request of this kind leaves with `bytes` in its body.
    fn asks(&self, kind: RequestKind, bytes: u64);

    /// An answer with `bytes` in its body arrives.
    fn receives(&self, bytes: u64);
}

tokio::task_local! {
    static OBSERVER: Arc<dyn Observer>;
}

/// Runs `work`, of whose requests `observer` is told.
pub async fn observed<T>(observer: Arc<dyn Observer>, work: impl Future<Output = T>) -> T {
    OBSERVER.scope(observer, work).await
}

/// Who observes the present task.
pub(super) fn observer() -> Option<Arc<dyn Observer>> {
    OBSERVER.try_with(Arc::clone).ok()
}

/// How much was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Requests {
    /// Reads of objects or parts of them.
    pub get: u64,
    /// Questions for an object's size.
    pub head: u64,
    /// Writes, and calls about uploads in parts.
    pub put: u64,
    /// Pages of names.
    pub list: u64,
    /// Deletions.
    pub delete: u64,
    /// Bytes of answers.
    pub received_bytes: u64,
    /// Bytes of what was written.
    pub sent_bytes: u64,
}

impl Requests {
    /// Requests of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.get + self.head + self.put + self.list + self.delete
    }

    /// Those of one kind.
    #[must_use]
    pub fn of(&self, kind: RequestKind) -> u64 {
        match kind {
            RequestKind::Get => self.get,
            RequestKind::Head => self.head,
            RequestKind::Put => self.put,
            RequestKind::List => self.list,
            RequestKind::Delete => self.delete,
        }
    }

    /// These and `other`.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            get: self.get + other.get,
            head: self.head + other.head,
            put: self.put + other.put,
            list: self.list + other.list,
            delete: self.delete + other.delete,
            received_bytes: self.received_bytes + other.received_bytes,
            sent_bytes: self.sent_bytes + other.sent_bytes,
        }
    }
}

/// Counts requests.
#[derive(Debug, Default)]
pub struct Tally {
    kinds: [AtomicU64; RequestKind::ALL.len()],
    received: AtomicU64,
    sent: AtomicU64,
}

impl Tally {
    /// What was counted so far.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let of = |kind: RequestKind| self.kinds[kind as usize].load(Ordering::Relaxed);
        Requests {
            get: of(RequestKind::Get),
            head: of(RequestKind::Head),
            put: of(RequestKind::Put),
            list: of(RequestKind::List),
            delete: of(RequestKind::Delete),
            received_bytes: self.received.load(Ordering::Relaxed),
            sent_bytes: self.sent.load(Ordering::Relaxed),
        }
    }
}

impl Observer for Tally {
    fn asks(&self, kind: RequestKind, bytes: u64) {
        self.kinds[kind as usize].fetch_add(1, Ordering::Relaxed);
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    fn receives(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
