//! The outboxes that are relayed in this process, for Prometheus.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Gauge, Opts};

use super::Stats;
use crate::contract::{
    Metric, METRIC_OUTBOX_DEAD, METRIC_OUTBOX_LAG, METRIC_OUTBOX_OPEN, METRIC_OUTBOX_UP,
};

const FRESH: Duration = Duration::from_secs(60);

/// The rows as relays last counted them, by table, as long as that is true. Nothing before the first relay and after the last one: a lag of 0 would be a
/// lie there. A relay that cannot read its table shows no figure of the past.
#[derive(Clone, Debug)]
pub(crate) struct Outboxes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tables: Mutex<BTreeMap<String, Table>>,
    up: Gauge,
    open: Gauge,
    dead: Gauge,
    lag: Gauge,
}

#[derive(Debug, Default)]
struct Table {
    relays: usize,
    read: Option<(Instant, Stats)>,
}

impl Outboxes {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            tables: Mutex::default(),
            up: gauge(METRIC_OUTBOX_UP),
            open: gauge(METRIC_OUTBOX_OPEN),
            dead: gauge(METRIC_OUTBOX_DEAD),
            lag: gauge(METRIC_OUTBOX_LAG),
        }))
    }

    /// A relay of this table runs, until this is dropped.
    pub(super) fn relay(&self, table: &str) -> Relaying {
        self.tables().entry(table.to_owned()).or_default().relays += 1;
        Relaying {
            outboxes: self.clone(),
            table: table.to_owned(),
        }
    }

    fn tables(&self) -> MutexGuard<'_, BTreeMap<String, Table>> {
        let tables = self.0.tables.lock();
        tables.unwrap_or_else(PoisonError::into_inner)
    }

    /// All tables together; none of them when one could not be read.
    fn collect_at(&self, now: Instant) -> Vec<MetricFamily> {
        let tables = self.tables();
        if tables.is_empty() {
            return Vec::new();
        }
        let fresh = |table: &Table| {
            let (at, stats) = table.read?;
            (now.saturating_duration_since(at) <= FRESH).then_some(stats)
        };
        let Inner {
            up,
            open,
            dead,
            lag,
            ..
        } = &*self.0;
        let Some(read) = tables.values().map(fresh).collect::<Option<Vec<_>>>() else {
            up.set(0.0);
            return up.collect();
        };
        up.set(1.0);
        open.set(read.iter().map(|stats| stats.open as f64).sum());
        dead.set(read.iter().map(|stats| stats.dead as f64).sum());
        let oldest = read.iter().map(|stats| stats.lag).max();
        lag.set(oldest.unwrap_or_default().as_secs_f64());
        let gauges = [up, open, dead, lag];
        gauges.into_iter().flat_map(Collector::collect).collect()
    }
}

fn gauge(metric: Metric) -> Gauge {
    let gauge = Gauge::with_opts(Opts::new(metric.name, metric.doc));
    gauge.expect("the contract's names are valid")
}

impl Collector for Outboxes {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = [&self.0.up, &self.0.open, &self.0.dead, &self.0.lag];
        gauges.into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.collect_at(Instant::now())
    }
}

/// A relay that runs.
pub(super) struct Relaying {
    outboxes: Outboxes,
    table: String,
}

impl Relaying {
    /// It has counted its table now.
    pub(super) fn read(&self, stats: Stats) {
        let mut tables = self.outboxes.tables();
        let table = tables.entry(self.table.clone()).or_default();
        table.read = Some((Instant::now(), stats));
    }
}

impl Drop for Relaying {
    fn drop(&mut self) {
        let mut tables = self.outboxes.tables();
        let relays = tables.get_mut(&self.table).map_or(0, |table| {
            table.relays -= 1;
            table.relays
        });
        if relays == 0 {
            tables.remove(&self.table);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use prometheus::proto::MetricFamily;

    use super::{Outboxes, Stats};

    /// Up, open, dead, lag.
    fn values(outboxes: &Outboxes, later: u64) -> Vec<f64> {
        let families = outboxes.collect_at(Instant::now() + Duration::from_secs(later));
        let value = |family: &MetricFamily| family.get_metric()[0].get_gauge().get_value();
        families.iter().map(value).collect()
    }

    fn stats(open: i64, dead: i64, lag: u64) -> Stats {
        let lag = Duration::from_secs(lag);
        Stats { open, dead, lag }
    }

    #[test]
    fn figures_are_shown_as_long_as_they_are_true() {
        let outboxes = Outboxes::new();
        assert_eq!(values(&outboxes, 0), [0.0; 0]);
        let (one, another) = (outboxes.relay("shop"), outboxes.relay("shop"));
        assert_eq!(values(&outboxes, 0), [0.0]);
        one.read(stats(2, 1, 7));
        assert_eq!(values(&outboxes, 59), [1.0, 2.0, 1.0, 7.0]);
        assert_eq!(values(&outboxes, 61), [0.0]);
        drop(one);
        assert_eq!(values(&outboxes, 0), [1.0, 2.0, 1.0, 7.0]);
        drop(another);
        assert_eq!(values(&outboxes, 0), [0.0; 0]);
    }

    #[test]
    fn two_tables_are_counted_together() {
        let outboxes = Outboxes::new();
        let (shop, bank) = (outboxes.relay("shop"), outboxes.relay("bank"));
        shop.read(stats(2, 1, 7));
        assert_eq!(values(&outboxes, 0), [0.0]);
        bank.read(stats(3, 0, 9));
        assert_eq!(values(&outboxes, 0), [1.0, 5.0, 1.0, 9.0]);
    }
}
