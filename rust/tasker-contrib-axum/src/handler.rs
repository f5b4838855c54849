//! Async functions as handlers, and the set of them that a worker has.

use std::collections::btree_map::{BTreeMap, Entry};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use crate::{FromStep, IntoResult, Step, StepError};

type Running = Pin<Box<dyn Future<Output = Result<Value, StepError>> + Send>>;

/// An async function whose arguments implement [`FromStep`] and which returns `Result<impl IntoResult, impl Into<StepError>>`.
///
/// ```
/// use tasker_contrib_axum::{Handler, Step, StepError};
///
/// fn is_handler<A>(_: impl Handler<A, ()>) {}
///
/// async fn note(step: Step) -> Result<(), StepError> {
///     println!("{}", step.name());
///     Ok(())
/// }
///
/// is_handler(note);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step handler",
    note = "a handler is an async function of up to eight `FromStep` arguments that returns `Result<_, StepError>`"
)]
pub trait Handler<A, S>: Clone + Send + Sync + 'static {
    /// Calls it.
    fn call(self, step: Step, state: S) -> Running;
}

macro_rules! handler {
    ($($argument:ident),*) => {
        impl<F, Fut, R, E, S, $($argument,)*> Handler<($($argument,)*), S> for F
        where
            F: Fn($($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<R, E>> + Send + 'static,
            R: IntoResult,
            E: Into<StepError>,
            S: Send + Sync + 'static,
            $($argument: FromStep<S> + Send + 'static,)*
        {
            #[allow(non_snake_case, unused_variables)]
            fn call(self, step: Step, state: S) -> Running {
                $(let $argument = match $argument::from_step(&step, &state) {
                    Ok(argument) => argument,
                    Err(error) => return Box::pin(std::future::ready(Err(error))),
                };)*
                Box::pin(async move { self($($argument),*).await.map_err(Into::into)?.into_result() })
            }
        }
    };
}

handler!();
handler!(A1);
handler!(A1, A2);
handler!(A1, A2, A3);
handler!(A1, A2, A3, A4);
handler!(A1, A2, A3, A4, A5);
handler!(A1, A2, A3, A4, A5, A6);
handler!(A1, A2, A3, A4, A5, A6, A7);
handler!(A1, A2, A3, A4, A5, A6, A7, A8);

trait Erased<S>: Send + Sync {
    fn call(&self, step: Step, state: S) -> Running;
}

struct Typed<H, A>(H, PhantomData<fn(A)>);

impl<H: Handler<A, S>, A: 'static, S: Send + Sync + 'static> Erased<S> for Typed<H, A> {
    fn call(&self, step: Step, state: S) -> Running {
        self.0.clone().call(step, state)
    }
}

struct WithState<S>(Arc<dyn Erased<S>>, S);

impl<S: Clone + Send + Sync + 'static> Erased<()> for WithState<S> {
    fn call(&self, step: Step, _state: ()) -> Running {
        self.0.call(step, self.1.clone())
    }
}

/// Handlers by the `callable` of the task templates.
///
/// As with axum's `Router`, `S` is the state that is still missing; [`with_state`](Self::with_state) supplies it.
///
/// ```
/// use axum::extract::State;
/// use tasker_contrib_axum::{Handlers, StepError};
///
/// async fn greet(State(greeting): State<String>) -> Result<String, StepError> {
///     Ok(greeting)
/// }
///
/// let handlers: Handlers = Handlers::new()
///     .add("hello.greet", greet)
///     .with_state("Hello".to_owned());
/// assert_eq!(handlers.names(), ["hello.greet"]);
/// ```
pub struct Handlers<S = ()> {
    by_name: BTreeMap<String, Arc<dyn Erased<S>>>,
    duplicates: Vec<String>,
}

impl<S: Clone + Send + Sync + 'static> Handlers<S> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            by_name: BTreeMap::new(),
            duplicates: Vec::new(),
        }
    }

    /// Adds the handler of a callable. A second one for the same callable is reported when the worker is built.
    #[must_use]
    pub fn add<A: 'static>(
        mut self,
        callable: impl Into<String>,
        handler: impl Handler<A, S>,
    ) -> Self {
        self.insert(callable.into(), Arc::new(Typed(handler, PhantomData)));
        self
    }

    /// Adds all handlers of another set.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.duplicates.extend(other.duplicates);
        for (callable, handler) in other.by_name {
            self.insert(callable, handler);
        }
        self
    }

    fn insert(&mut self, callable: String, handler: Arc<dyn Erased<S>>) {
        match self.by_name.entry(callable) {
            Entry::Occupied(present) => self.duplicates.push(present.key().clone()),
            Entry::Vacant(free) => {
                free.insert(handler);
            }
        }
    }

    /// Gives every handler the state that it asks for.
    #[must_use]
    pub fn with_state(self, state: S) -> Handlers {
        let bound = |handler| Arc::new(WithState(handler, state.clone())) as Arc<dyn Erased<()>>;
        Handlers {
            by_name: self
                .by_name
                .into_iter()
                .map(|(callable, handler)| (callable, bound(handler)))
                .collect(),
            duplicates: self.duplicates,
        }
    }

    /// The callables, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.by_name.keys().map(String::as_str).collect()
    }

    pub(crate) fn duplicates(&self) -> &[String] {
        &self.duplicates
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Handlers<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> std::fmt::Debug for Handlers<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Handlers {
    /// These, and those of another set instead of the ones with the same callable.
    #[cfg(feature = "testing")]
    pub(crate) fn overlay(mut self, other: Self) -> Self {
        self.by_name.extend(other.by_name);
        self
    }

    /// Starts the handler of a callable.
    pub(crate) fn call(&self, callable: &str, step: Step) -> Option<Running> {
        self.by_name
            .get(callable)
            .map(|handler| handler.call(step, ()))
    }
}
