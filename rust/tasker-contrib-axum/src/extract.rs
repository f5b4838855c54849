//! Arguments of handlers.

use std::collections::BTreeMap;

use axum::extract::{FromRef, State};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::step::read;
use crate::{Step, StepError};

/// A type that can be an argument of a handler.
///
/// ```
/// use tasker_contrib_axum::{FromStep, Step, StepError};
///
/// /// Whether this attempt is the last one.
/// struct LastAttempt(bool);
///
/// impl<S> FromStep<S> for LastAttempt {
///     fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
///         Ok(Self(step.retry_count() + 1 >= step.max_attempts()))
///     }
/// }
/// ```
pub trait FromStep<S>: Sized {
    /// Makes the argument; an error fails the step before the handler is called.
    fn from_step(step: &Step, state: &S) -> Result<Self, StepError>;
}

/// The task's context as a type. What does not fit is a permanent failure that names the field.
///
/// ```
/// # use serde::Deserialize;
/// # use tasker_contrib_axum::{Input, StepError};
/// #[derive(Deserialize)]
/// struct Order { id: i64 }
///
/// async fn validate(Input(order): Input<Order>) -> Result<i64, StepError> {
///     Ok(order.id)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Input<T>(pub T);

impl<T: DeserializeOwned, S> FromStep<S> for Input<T> {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        read("the task's context", step.context()).map(Self)
    }
}

/// Which step's result a type is. [`Dep`] finds it by this.
///
/// ```
/// use serde::Deserialize;
/// use tasker_contrib_axum::{Dep, StepError, StepOutput};
///
/// #[derive(Deserialize)]
/// struct Cart { cents: i64 }
///
/// impl StepOutput for Cart {
///     const STEP: &'static str = "validate_cart";
/// }
///
/// async fn charge(Dep(cart): Dep<Cart>) -> Result<i64, StepError> {
///     Ok(cart.cents)
/// }
/// ```
pub trait StepOutput: DeserializeOwned {
    /// The step's name in the task template.
    const STEP: &'static str;
}

/// The result of an earlier step, found by its type. `Option<Dep<T>>` is for branches that may not have been taken.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # use tasker_contrib_axum::{Dep, StepError, StepOutput};
/// #[derive(Serialize, Deserialize)]
/// struct Cart { total_cents: i64 }
///
/// impl StepOutput for Cart {
///     const STEP: &'static str = "validate_cart";
/// }
///
/// async fn charge(Dep(cart): Dep<Cart>) -> Result<i64, StepError> {
///     Ok(cart.total_cents)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dep<T>(pub T);

impl<T: StepOutput, S> FromStep<S> for Dep<T> {
    fn from_step(step: &Step, state: &S) -> Result<Self, StepError> {
        Option::<Self>::from_step(step, state)?.ok_or_else(|| {
            StepError::validation(format!(
                "step `{}` needs the result of `{}`, which it does not depend on or which did not run (it sees: {}); add it to \
                 `dependencies`, or take Option<Dep<…>>",
                step.name(),
                T::STEP,
                step.ancestors().join(", ")
            ))
        })
    }
}

impl<T: StepOutput, S> FromStep<S> for Option<Dep<T>> {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        step.result(T::STEP)
            .map(|value| read(&format!("the result of `{}`", T::STEP), value).map(Dep))
            .transpose()
    }
}

/// `handler.initialization` of the task template as a type.
///
/// ```
/// use serde::Deserialize;
/// use tasker_contrib_axum::{Config, StepError};
///
/// #[derive(Deserialize)]
/// struct Limits { most: u32 }
///
/// async fn check(Config(limits): Config<Limits>) -> Result<u32, StepError> {
///     Ok(limits.most)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Config<T>(pub T);

impl<T: DeserializeOwned, S> FromStep<S> for Config<T> {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        read("handler.initialization", &step.config()).map(Self)
    }
}

/// Results of all ancestors by step name.
///
/// ```
/// use tasker_contrib_axum::{Dependencies, StepError};
///
/// // The results of every batch of `import`, in their order.
/// async fn sum(dependencies: Dependencies) -> Result<i64, StepError> {
///     Ok(dependencies.batches::<i64>("import")?.iter().sum())
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dependencies(pub BTreeMap<String, Value>);

impl Dependencies {
    /// Results of the instances of a batch worker, in the order of their ids. Placeholders for "nothing to do" are left out.
    ///
    /// # Errors
    ///
    /// A permanent failure if a result does not fit.
    pub fn batches<T: DeserializeOwned>(&self, worker: &str) -> Result<Vec<T>, StepError> {
        // `{worker}_{number}`; another step's name may begin like that, too.
        let instance = |name: &str| -> Option<u64> {
            let number = name.strip_prefix(worker)?.strip_prefix('_')?;
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| digits)
        };
        let mut instances: Vec<_> = self
            .0
            .iter()
            .filter_map(|(name, value)| Some((instance(name)?, name, value)))
            .filter(|(number, _, _)| *number != 0)
            .collect();
        instances.sort_by_key(|(number, _, _)| *number);
        instances
            .into_iter()
            .map(|(_, name, value)| read(&format!("the result of `{name}`"), value))
            .collect()
    }
}

impl<S> FromStep<S> for Dependencies {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        let results = &step.core.dependency_results;
        Ok(Self(
            results
                .iter()
                .map(|(name, done)| (name.clone(), done.result.clone()))
                .collect(),
        ))
    }
}

/// A key for effects that may be asked for twice: the step's UUID, the same in each attempt, and when another worker takes the step over.
/// Another step, of the same task or of another one, has another key. It is written as text, and its field is a [`Uuid`] for a unique column.
///
/// ```
/// use tasker_contrib_axum::testing::{run_step, step};
/// use tasker_contrib_axum::{IdempotencyKey, StepError};
/// use uuid::Uuid;
///
/// async fn charge(key: IdempotencyKey) -> Result<String, StepError> {
///     Ok(format!("Idempotency-Key: {key}"))
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let key = Uuid::from_u128(7);
/// let charged = run_step(charge, step("shop.charge").idempotency_key(key), ()).await;
/// assert_eq!(charged.unwrap(), format!("Idempotency-Key: {key}"));
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(pub Uuid);

impl std::fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl<S> FromStep<S> for IdempotencyKey {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        Ok(Self(step.id()))
    }
}

impl<S> FromStep<S> for Step {
    fn from_step(step: &Step, _state: &S) -> Result<Self, StepError> {
        Ok(step.clone())
    }
}

impl<T: FromRef<S>, S> FromStep<S> for State<T> {
    fn from_step(_step: &Step, state: &S) -> Result<Self, StepError> {
        Ok(Self(T::from_ref(state)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Dependencies;

    #[test]
    fn batches_are_the_instances_of_one_worker_in_the_order_of_their_numbers() {
        let results = [
            "import_000",
            "import_002",
            "import_1000",
            "import_999",
            "import_check",
            "import_+1",
            "import_",
            "imports_001",
        ];
        let results = results.map(|name| (name.to_owned(), json!(name)));
        let found: Vec<String> = Dependencies(results.into()).batches("import").unwrap();
        assert_eq!(found, ["import_002", "import_999", "import_1000"]);
    }
}
