//! A client of the tail that keeps what it was told.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Response;
use serde_json::Value;

use crate::common::{Answer, TestServer};

/// Longest wait for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// One block of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Block {
    pub(super) id: Option<String>,
    pub(super) event: String,
    pub(super) data: Value,
}

/// A stream that is open.
pub(super) struct Listener {
    response: Response,
    buffer: String,
    /// Position of the last block.
    pub(super) at: String,
}

impl Listener {
    /// Opens the tail with what stands behind the `?`, behind a position where there is one.
    pub(super) async fn open(server: &TestServer, key: &str, project: &str, query: &str, after: Option<&str>) -> Self {
        match Self::try_open(server, key, project, query, after).await {
            Ok(listener) => listener,
            Err(answer) => panic!("{}: {}", answer.status, answer.text),
        }
    }

    /// As [`Listener::open`]; a refusal is the error.
    pub(super) async fn try_open(
        server: &TestServer,
        key: &str,
        project: &str,
        query: &str,
        after: Option<&str>,
    ) -> Result<Self, Answer> {
        let url = format!("{}/api/v1/tail{query}", server.url);
        let mut request = server.client.get(url).bearer_auth(key);
        if !project.is_empty() {
            request = request.header("kronika-project", project);
        }
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if status != 200 {
            return Err(Answer { status, headers, text: response.text().await.unwrap() });
        }
        assert_eq!(headers["content-type"], "text/event-stream");
        let mut this = Self { response, buffer: String::new(), at: after.unwrap_or_default().to_owned() };
        let hello = this.block().await.expect("a first block");
        assert!(hello.id.is_some(), "{hello:?}");
        if hello.event == "dropped" {
            // It is wanted by those who look for it.
            this.buffer = format!("id: {}\nevent: dropped\ndata: {}\n\n{}", this.at, hello.data, this.buffer);
        }
        Ok(this)
    }

    /// The next block; `None` at the end of the stream, however it comes.
    pub(super) async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let text: String = self.buffer.drain(..end + 2).collect();
                let block = Block::parse(&text);
                if let Some(id) = &block.id {
                    self.at.clone_from(id);
                }
                return Some(block);
            }
            let piece = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("the tail is silent");
            self.buffer.push_str(std::str::from_utf8(&piece.ok()??).unwrap());
        }
    }

    /// The next block that says something, heartbeats left out.
    pub(super) async fn said(&mut self) -> Option<Block> {
        loop {
            let block = self.block().await?;
            if !block.data.is_null() {
                return Some(block);
            }
        }
    }

    /// The next `count` events.
    pub(super) async fn events(&mut self, count: usize) -> Vec<Value> {
        let mut events = Vec::new();
        while events.len() < count {
            let block = self.said().await.unwrap_or_else(|| panic!("the stream ended after {events:?}"));
            assert_eq!(block.event, "", "{block:?}");
            events.push(block.data);
        }
        events
    }

    /// Their ids.
    pub(super) async fn ids(&mut self, count: usize) -> Vec<String> {
        self.events(count).await.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether nothing but heartbeats comes for a while.
    pub(super) async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(400), self.said()).await.is_err()
    }

    /// The stream of bytes, to be read as slowly as one likes.
    pub(super) fn into_bytes(self) -> impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin {
        let rest = futures::stream::iter([Ok(bytes::Bytes::from(self.buffer))]);
        rest.chain(self.response.bytes_stream())
    }
}

impl Block {
    pub(super) fn parse(text: &str) -> Self {
        let mut block = Self { id: None, event: String::new(), data: Value::Null };
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => block.id = Some(id.to_owned()),
                Some(("event", event)) => block.event = event.to_owned(),
                Some(("data", data)) => block.data = serde_json::from_str(data).unwrap(),
                _ => {}
            }
        }
        block
    }
}
