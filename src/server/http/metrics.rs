//! `/metrics`: the figures of the server and of each query in Prometheus' text format.
//!
//! The figures are kept where they arise; a scrape gathers them into a registry made for it. So nothing has to be
//! unregistered when a query goes, and a figure is never older than the scrape. Series: about 20 a query, and one for each of
//! its input partitions.

use prometheus::core::Collector;
use prometheus::{CounterVec, GaugeVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use super::{Status, process};
use crate::runtime::status::{QueryState, QueryStatus};

/// The whole page. Errors: only from a mistake in this file, such as two metrics of one name.
pub fn render(status: &dyn Status) -> prometheus::Result<String> {
    let registry = Registry::new();
    server(&registry, status)?;
    queries(&registry, &status.queries())?;
    TextEncoder::new().encode_to_string(&registry.gather())
}

fn server(registry: &Registry, status: &dyn Status) -> prometheus::Result<()> {
    let info = status.info();
    let labels = ["version", "service_id", "log"];
    let build = IntGaugeVec::new(Opts::new("rivermill_info", "1; the labels tell what runs"), &labels)?;
    build.with_label_values(&[info.version, &info.service_id, info.log]).set(1);
    add(registry, build)?;

    let healthy = i64::from(status.healthy().is_healthy);
    gauge(registry, "rivermill_healthy", "1 where /healthcheck answers 200, else 0", healthy)?;
    let connections = status.connections();
    gauge(registry, "rivermill_connections", "Postgres connections that are open", clamp(connections.open))?;
    counter(registry, "rivermill_connections_total", "Postgres connections accepted", connections.total)?;
    counter(
        registry,
        "rivermill_connections_refused_total",
        "Postgres connections refused, or closed for breaking the protocol",
        connections.refused,
    )?;

    let uptime = GaugeVec::new(Opts::new("rivermill_uptime_seconds", "Time since the server started"), &[])?;
    uptime.with_label_values::<&str>(&[]).set(process::uptime().as_secs_f64());
    add(registry, uptime)?;
    if let Some(bytes) = process::resident_bytes() {
        gauge(registry, "process_resident_memory_bytes", "Resident memory", clamp(bytes))?;
    }
    if let Some(time) = process::cpu_time() {
        let cpu = CounterVec::new(Opts::new("process_cpu_seconds_total", "User and system time"), &[])?;
        cpu.with_label_values::<&str>(&[]).inc_by(time.as_secs_f64());
        add(registry, cpu)?;
    }
    Ok(())
}

fn queries(registry: &Registry, queries: &[QueryStatus]) -> prometheus::Result<()> {
    let counters: [(&str, &str, fn(&QueryStatus) -> u64); 7] = [
        ("rows_in_total", "Rows read", |q| q.rows_in),
        ("rows_out_total", "Rows written and committed", |q| q.rows_out),
        ("epochs_total", "Epochs committed", |q| q.epochs),
        ("epochs_failed_total", "Epochs rolled back", |q| q.epochs_failed),
        ("late_rows_total", "Rows dropped because their window was closed", |q| q.late_rows),
        ("errors_total", "Records and rows that went to the processing log", |q| q.errors),
        ("restarts_total", "Starts after a failure", |q| q.restarts),
    ];
    for (name, help, figure) in counters {
        let vec = IntCounterVec::new(Opts::new(format!("rivermill_query_{name}"), help), &["query"])?;
        for query in queries {
            vec.with_label_values(&[&query.id]).inc_by(figure(query));
        }
        add(registry, vec)?;
    }
    let gauges: [(&str, &str, fn(&QueryStatus) -> u64); 2] = [
        ("state_rows", "Keys in the committed state", |q| q.state_rows),
        ("state_bytes", "Bytes of the committed state", |q| q.state_bytes),
    ];
    for (name, help, figure) in gauges {
        let vec = IntGaugeVec::new(Opts::new(format!("rivermill_query_{name}"), help), &["query"])?;
        for query in queries {
            vec.with_label_values(&[&query.id]).set(clamp(figure(query)));
        }
        add(registry, vec)?;
    }

    let sum = CounterVec::new(
        Opts::new("rivermill_query_commit_seconds_total", "Time from the end of an epoch to its commit"),
        &["query"],
    )?;
    let max = GaugeVec::new(
        Opts::new("rivermill_query_commit_seconds_max", "The longest commit of the last epochs"),
        &["query"],
    )?;
    let state = IntGaugeVec::new(
        Opts::new("rivermill_query_state", "1 for the state that the query is in, else 0"),
        &["query", "state"],
    )?;
    let lag = IntGaugeVec::new(
        Opts::new("rivermill_query_lag_records", "Records between the committed position and the end"),
        &["query", "topic", "partition"],
    )?;
    for query in queries {
        sum.with_label_values(&[&query.id]).inc_by(query.commit_time.as_secs_f64());
        max.with_label_values(&[&query.id]).set(query.commit_time_max.as_secs_f64());
        for each in QueryState::ALL {
            state.with_label_values(&[&*query.id, each.name()]).set(i64::from(each == query.state));
        }
        for part in &query.lag {
            if let Some(records) = part.records {
                let partition = part.partition.to_string();
                lag.with_label_values(&[&*query.id, &part.topic, &partition]).set(clamp(records));
            }
        }
    }
    add(registry, sum)?;
    add(registry, max)?;
    add(registry, state)?;
    add(registry, lag)
}

fn gauge(registry: &Registry, name: &str, help: &str, value: i64) -> prometheus::Result<()> {
    let vec = IntGaugeVec::new(Opts::new(name, help), &[])?;
    vec.with_label_values::<&str>(&[]).set(value);
    add(registry, vec)
}

fn counter(registry: &Registry, name: &str, help: &str, value: u64) -> prometheus::Result<()> {
    let vec = IntCounterVec::new(Opts::new(name, help), &[])?;
    vec.with_label_values::<&str>(&[]).inc_by(value);
    add(registry, vec)
}

fn add(registry: &Registry, metric: impl Collector + 'static) -> prometheus::Result<()> {
    registry.register(Box::new(metric))
}

fn clamp(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
