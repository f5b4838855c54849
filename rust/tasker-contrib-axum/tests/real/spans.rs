//! The spans that a subscriber sees while a request becomes a task and a task becomes steps.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::Attributes;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::Layer;

/// Every span of this crate so far, as `name key=value …`.
#[derive(Clone, Default)]
pub struct Spans(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &tracing::Id, _: Context<'_, S>) {
        if attributes
            .metadata()
            .target()
            .starts_with("tasker_contrib_axum")
        {
            let mut line = Line(attributes.metadata().name().to_owned());
            attributes.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

impl Spans {
    /// Of the whole process: steps run on any thread.
    pub fn of_this_process() -> Self {
        static SPANS: OnceLock<Spans> = OnceLock::new();
        let spans = SPANS.get_or_init(|| {
            let spans = Spans::default();
            let subscriber = tracing_subscriber::registry().with(spans.clone());
            tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
            spans
        });
        spans.clone()
    }

    /// Those with a text in them.
    pub fn with(&self, text: &str) -> Vec<String> {
        let spans = self.0.lock().unwrap();
        spans
            .iter()
            .filter(|span| span.contains(text))
            .cloned()
            .collect()
    }
}
