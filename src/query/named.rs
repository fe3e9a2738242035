//! Named queries.
