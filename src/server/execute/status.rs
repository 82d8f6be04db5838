//! What the HTTP front asks.

use super::SqlServer;
use crate::runtime::status::{QueryState, QueryStatus};
use crate::server::http::{Health, HealthDetail, Info};

impl SqlServer {
    pub fn health(&self) -> Health {
        let runtime = self.runtime();
        let message = match &runtime {
            Ok(_) => "open".to_owned(),
            Err(error) => error.detail.clone().unwrap_or_else(|| error.message.clone()),
        };
        let mut details = vec![HealthDetail { name: "log", is_healthy: runtime.is_ok(), message }];
        if let Ok(runtime) = runtime {
            let queries = runtime.queries();
            let failing = |s| matches!(s, QueryState::Retrying | QueryState::Failed);
            let failed = queries.iter().filter(|q| failing(q.stats.state)).count();
            let message = format!("{} queries, {failed} failing", queries.len());
            details.push(HealthDetail { name: "queries", is_healthy: failed == 0, message });
        }
        // A failing query is reported, and retried; it does not make the server unhealthy for the others.
        Health { is_healthy: details.iter().all(|d| d.is_healthy || d.name == "queries"), details }
    }

    pub fn info(&self) -> Info {
        let brokers = self.settings().bootstrap_servers();
        Info {
            version: env!("CARGO_PKG_VERSION"),
            service_id: self.settings().service_id().to_owned(),
            log: if brokers.is_empty() { "embedded" } else { "kafka" },
            bootstrap_servers: brokers.to_owned(),
            server_status: if self.runtime().is_ok() { "RUNNING" } else { "RECOVERING" },
        }
    }

    pub fn query_statuses(&self) -> Vec<QueryStatus> {
        let Ok(runtime) = self.runtime() else { return Vec::new() };
        let catalog = runtime.catalog();
        let topic = |name: &str| catalog.source(name).map_or_else(|| name.to_owned(), |s| s.topic.clone());
        runtime.queries().iter().map(|q| q.status(&topic(&q.def.reads))).collect()
    }
}
