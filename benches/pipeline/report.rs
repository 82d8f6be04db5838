//! The table at the end: figures beside the bars that they are held to.

use std::fmt;

use crate::usage::Used;

/// One measured run over all records.
pub struct Row {
    pub name: &'static str,
    pub records: u64,
    pub used: Used,
    /// Bytes.
    pub rss_peak: Option<u64>,
    /// Millions of records per CPU-second, at least.
    pub rate_bar: Option<f64>,
    /// MB, at most.
    pub rss_bar: Option<u64>,
}

/// All figures of one run of this program.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    /// Records per CPU-second of the two baselines.
    consume: Option<f64>,
    copy: Option<f64>,
    /// Figures that are no rates: what, measured, and the bar.
    others: Vec<(String, String, String)>,
}

impl Row {
    fn a_second(&self) -> f64 {
        self.records as f64 / self.used.wall.as_secs_f64()
    }

    /// Of CPU time, at least one tick of the kernel's.
    fn a_cpu_second(&self) -> f64 {
        self.records as f64 / self.used.cpu.as_secs_f64().max(0.01)
    }
}

impl Report {
    pub fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub fn consume(&mut self, row: Row) {
        self.consume = Some(row.a_cpu_second());
        self.rows.push(row);
    }

    pub fn copy(&mut self, row: Row) {
        self.copy = Some(row.a_cpu_second());
        self.rows.push(row);
    }

    pub fn other(&mut self, what: &str, measured: String, bar: &str) {
        self.others.push((what.to_owned(), measured, bar.to_owned()));
    }
}

/// Rates in millions of records; ratios are of rates per CPU-second.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dash = || "-".to_owned();
        let line = |f: &mut fmt::Formatter<'_>, name: &str, cells: [&str; 7]| {
            write!(f, "{name:<34}")?;
            cells.iter().try_for_each(|cell| write!(f, " {cell:>9}"))?;
            writeln!(f)
        };
        if !self.rows.is_empty() {
            line(f, "", ["M/s", "M/CPU-s", "bar", "RSS MB", "bar", "x consume", "x copy"])?;
        }
        for row in &self.rows {
            let rate = row.a_cpu_second();
            let ratio = |base: Option<f64>| base.map_or_else(dash, |base| format!("{:.2}", rate / base));
            let cells = [
                format!("{:.2}", row.a_second() / 1e6),
                format!("{:.2}", rate / 1e6),
                row.rate_bar.map_or_else(dash, |bar| format!(">= {bar:.1}")),
                row.rss_peak.map_or_else(dash, |bytes| format!("{:.0}", bytes as f64 / 1e6)),
                row.rss_bar.map_or_else(dash, |bar| format!("< {bar}")),
                ratio(self.consume),
                ratio(self.copy),
            ];
            line(f, row.name, cells.each_ref().map(String::as_str))?;
        }
        for (what, measured, bar) in &self.others {
            writeln!(f, "{what:<54} {measured:>14}   bar {bar}")?;
        }
        Ok(())
    }
}
