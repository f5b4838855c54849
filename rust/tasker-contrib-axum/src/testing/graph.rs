//! Which steps exist when, and what they wait for: the rules of Core 0.1.8's server.
//!
//! Not every dependency of a template becomes an edge. Steps are created at three moments (with the task, by a decision, by a batch), and an
//! edge is only made to a step that is created at the same moment. A test that passes here and then goes differently on the server would be
//! worse than none, so the odd cases are kept, and each dependency that Core drops is a problem when it matters.

use std::collections::BTreeSet;

use serde_json::{json, Map, Value};
use tasker_shared::models::core::task_template::{StepDefinition, StepType, TaskTemplate};

pub(super) const COMPLETE: &str = "complete";
pub(super) const ERROR: &str = "error";
pub(super) const PENDING: &str = "pending";
pub(super) const WAITING_FOR_RETRY: &str = "waiting_for_retry";

/// Why Core refuses what a decision or an analyzer asked for; the task goes on without it.
type Refused = String;

/// A step that exists in the task.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) definition: StepDefinition,
    pub(super) inputs: Value,
    /// Made by a decision or a batch.
    late: bool,
    pub(super) parents: BTreeSet<String>,
    pub(super) state: &'static str,
    pub(super) result: Option<Value>,
    pub(super) attempts: u32,
}

/// The steps of one task, in the order of their creation.
#[derive(Debug)]
pub(super) struct Graph {
    steps: Vec<StepDefinition>,
    pub(super) nodes: Vec<Node>,
    started: bool,
}

impl Graph {
    pub(super) fn new(template: &TaskTemplate) -> Self {
        let mut graph = Self {
            steps: template.steps.clone(),
            nodes: Vec::new(),
            started: false,
        };
        let initial = graph.initial();
        for step in template
            .steps
            .iter()
            .filter(|step| initial.contains(&step.name))
        {
            graph.create(step, None);
        }
        for node in &mut graph.nodes {
            let exists = |name: &&String| initial.contains(*name);
            node.parents = node
                .definition
                .dependencies
                .iter()
                .filter(exists)
                .cloned()
                .collect();
        }
        graph.started = true;
        graph
    }

    /// The steps that are created with the task. Without a decision: all but batch workers and convergence steps. With one: all that are
    /// not downstream of it but batch workers; convergence steps are then created at once.
    fn initial(&self) -> BTreeSet<String> {
        let decisions = self.of_type(StepType::Decision);
        let downstream = self.downstream(&decisions, false);
        let wanted = |step: &&StepDefinition| match step.step_type {
            StepType::BatchWorker => false,
            StepType::DeferredConvergence if decisions.is_empty() => false,
            _ => !downstream.contains(&step.name),
        };
        self.steps
            .iter()
            .filter(wanted)
            .map(|step| step.name.clone())
            .collect()
    }

    fn of_type(&self, kind: StepType) -> Vec<String> {
        let steps = self.steps.iter().filter(|step| step.step_type == kind);
        steps.map(|step| step.name.clone()).collect()
    }

    fn definition(&self, name: &str) -> Option<&StepDefinition> {
        self.steps.iter().find(|step| step.name == name)
    }

    fn downstream(&self, names: &[String], stop_at_decisions: bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut frontier = names.to_vec();
        while let Some(parent) = frontier.pop() {
            for step in &self.steps {
                if step.dependencies.contains(&parent) && found.insert(step.name.clone()) {
                    let stop = stop_at_decisions && step.step_type == StepType::Decision;
                    if !stop {
                        frontier.push(step.name.clone());
                    }
                }
            }
        }
        found
    }

    /// Creates the steps that a decision's outcome names.
    pub(super) fn decide(&mut self, decision: &str, outcome: &Value) -> Result<(), Refused> {
        if outcome["type"] != "create_steps" {
            return Ok(());
        }
        let requested: Vec<String> =
            serde_json::from_value(outcome["step_names"].clone()).unwrap_or_default();
        let reachable = self.downstream(&[decision.to_owned()], true);
        // Core's graph of a decision ends before the next one, which may not be named itself.
        let is_decision = |name: &String| {
            self.definition(name)
                .is_some_and(|step| step.step_type == StepType::Decision)
        };
        let (exits, inner): (BTreeSet<_>, BTreeSet<_>) =
            reachable.into_iter().partition(is_decision);
        if let Some(name) = requested.iter().find(|name| !inner.contains(*name)) {
            return Err(format!(
                "step '{name}' is not downstream of decision '{decision}'"
            ));
        }
        let created = self.to_create(decision, requested, &inner, exits);
        let edges = self.edges(decision, &created);
        self.refuse_duplicates(decision, &edges)?;
        for step in self.steps.clone() {
            if created.contains(&step.name) {
                self.create(&step, None);
            }
        }
        for (parent, child) in edges {
            if let Some(node) = self.nodes.iter_mut().find(|node| node.name == child) {
                node.parents.insert(parent);
            }
        }
        Ok(())
    }

    /// A parent that is not created now is replaced by the decision itself.
    fn edges(&self, decision: &str, created: &BTreeSet<String>) -> Vec<(String, String)> {
        let mut edges = Vec::new();
        for step in self
            .steps
            .iter()
            .filter(|step| created.contains(&step.name))
        {
            for parent in &step.dependencies {
                if created.contains(parent) {
                    edges.push((parent.clone(), step.name.clone()));
                } else if step.step_type != StepType::DeferredConvergence {
                    edges.push((decision.to_owned(), step.name.clone()));
                }
            }
        }
        edges
    }

    fn to_create(
        &self,
        decision: &str,
        requested: Vec<String>,
        inner: &BTreeSet<String>,
        exits: BTreeSet<String>,
    ) -> BTreeSet<String> {
        let mut created: BTreeSet<String> = requested.into_iter().chain(exits).collect();
        let later = |step: &StepDefinition| {
            matches!(
                step.step_type,
                StepType::DeferredConvergence | StepType::BatchWorker
            )
        };
        let frontier: Vec<_> = created.iter().cloned().collect();
        self.spread(&mut created, frontier, |step, _created| {
            inner.contains(&step.name) && !later(step)
        });
        let joins: Vec<String> = self
            .steps
            .iter()
            .filter(|step| step.step_type == StepType::DeferredConvergence)
            .filter(|step| step.dependencies.iter().any(|name| created.contains(name)))
            .map(|step| step.name.clone())
            .collect();
        created.extend(joins.iter().cloned());
        self.spread(&mut created, joins, |step, created| {
            let known = |name: &String| created.contains(name) || name == decision;
            step.dependencies.iter().all(known)
        });
        created
    }

    /// Adds what comes after the steps of the frontier, as far as it is wanted.
    fn spread(
        &self,
        created: &mut BTreeSet<String>,
        mut frontier: Vec<String>,
        wanted: impl Fn(&StepDefinition, &BTreeSet<String>) -> bool,
    ) {
        while let Some(parent) = frontier.pop() {
            for step in &self.steps {
                if step.dependencies.contains(&parent)
                    && !created.contains(&step.name)
                    && wanted(step, created)
                {
                    created.insert(step.name.clone());
                    frontier.push(step.name.clone());
                }
            }
        }
    }

    fn refuse_duplicates(&self, decision: &str, edges: &[(String, String)]) -> Result<(), Refused> {
        for edge in edges {
            let (parent, child) = edge;
            let twice = edges.iter().filter(|other| *other == edge).count() > 1;
            let exists = self
                .node(child)
                .is_some_and(|node| node.parents.contains(parent));
            if twice || exists {
                return Err(format!(
                    "step '{child}' would be linked to '{parent}' twice: below decision '{decision}' a step may not also depend on a step \
                     from before the decision; remove that dependency, its result is visible anyway"
                ));
            }
        }
        Ok(())
    }

    /// Creates the instances of a batch worker, and what joins them.
    pub(super) fn expand(&mut self, batchable: &str, outcome: &Value) -> Result<(), Refused> {
        let empty = outcome["type"] == "no_batches";
        let (worker, cursors) = if empty {
            let config = self
                .definition(batchable)
                .map(|step| &step.handler.initialization);
            let worker = config.and_then(|config| config.get("worker_template_name")?.as_str());
            let worker = worker.ok_or_else(|| format!(
                "step '{batchable}' found nothing to do and its handler.initialization has no worker_template_name; Core needs it to create \
                 the placeholder"
            ))?;
            let placeholder =
                json!({"batch_id": "000", "start_cursor": 0, "end_cursor": 0, "batch_size": 0});
            (worker.to_owned(), vec![placeholder])
        } else {
            let worker = outcome["worker_template_name"].as_str().unwrap_or_default();
            let cursors = outcome["cursor_configs"].as_array();
            (worker.to_owned(), cursors.cloned().unwrap_or_default())
        };
        let definition = self.batch_worker(batchable, &worker)?;
        let mut made = Vec::new();
        for cursor in cursors {
            let id = cursor["batch_id"].as_str().unwrap_or_default().to_owned();
            let mut inputs = initialization(&definition);
            inputs.insert("cursor".to_owned(), cursor);
            inputs.insert("is_no_op".to_owned(), json!(empty));
            inputs.insert("__template_step_name".to_owned(), json!(worker));
            let name = self.create(&definition, Some((format!("{worker}_{id}"), inputs)));
            self.link(batchable, &name);
            made.push(name);
        }
        for step in self.steps.clone() {
            let joins = step.step_type == StepType::DeferredConvergence
                && step.dependencies.contains(&worker);
            if joins {
                let join = self.create(&step, None);
                for instance in &made {
                    self.link(instance, &join);
                }
            }
        }
        Ok(())
    }

    fn batch_worker(&self, batchable: &str, name: &str) -> Result<StepDefinition, Refused> {
        let worker = self
            .definition(name)
            .filter(|step| step.step_type == StepType::BatchWorker)
            .ok_or_else(|| {
                format!(
                    "step '{batchable}' asks for batch worker '{name}', but the template has no step of that name with type batch_worker"
                )
            })?;
        if worker.batch_config.is_none() {
            return Err(format!(
                "batch worker '{name}' has no batch_config in the template"
            ));
        }
        Ok(worker.clone())
    }

    /// Creates a step, or leaves the one that already exists, as Core does.
    fn create(
        &mut self,
        definition: &StepDefinition,
        instance: Option<(String, Map<String, Value>)>,
    ) -> String {
        let (name, inputs) =
            instance.unwrap_or_else(|| (definition.name.clone(), initialization(definition)));
        if self.node(&name).is_none() {
            self.nodes.push(Node {
                name: name.clone(),
                definition: definition.clone(),
                inputs: inputs.into(),
                late: self.started,
                parents: BTreeSet::new(),
                state: PENDING,
                result: None,
                attempts: 0,
            });
        }
        name
    }

    fn link(&mut self, parent: &str, child: &str) {
        if let Some(node) = self.nodes.iter_mut().find(|node| node.name == child) {
            node.parents.insert(parent.to_owned());
        }
    }

    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// Pending steps whose parents are all complete, in the order of their creation.
    pub(super) fn ready(&self) -> Vec<String> {
        let done = |name: &String| self.node(name).is_some_and(|node| node.state == COMPLETE);
        self.nodes
            .iter()
            .filter(|node| node.state == PENDING && node.parents.iter().all(done))
            .map(|node| node.name.clone())
            .collect()
    }

    /// The results of everything that a step comes after.
    pub(super) fn results(&self, name: &str) -> std::collections::BTreeMap<String, Value> {
        let mut found = BTreeSet::new();
        let mut frontier = vec![name.to_owned()];
        while let Some(child) = frontier.pop() {
            let parents = self.node(&child).map(|node| &node.parents);
            for parent in parents.into_iter().flatten() {
                if found.insert(parent.clone()) {
                    frontier.push(parent.clone());
                }
            }
        }
        let result = |name: String| {
            let node = self.node(&name).filter(|node| node.state == COMPLETE)?;
            Some((name, node.result.clone()?))
        };
        found.into_iter().filter_map(result).collect()
    }

    /// Why a step that is about to start does not wait for something that its author wrote down.
    pub(super) fn early_start(&self, name: &str) -> Option<String> {
        let node = self.node(name)?;
        if node.definition.step_type == StepType::BatchWorker {
            return None; // it waits for its analyzer, whatever else it names
        }
        let waits_not = |dependency: &&String| {
            let mut made = self
                .nodes
                .iter()
                .filter(|other| other.definition.name == **dependency)
                .peekable();
            if made.peek().is_some() {
                return !made.all(|other| other.state == COMPLETE);
            }
            // A branch that was not taken is no matter.
            !(node.late && node.definition.step_type == StepType::DeferredConvergence)
        };
        let dependency = node.definition.dependencies.iter().find(waits_not)?;
        Some(format!(
            "step '{name}' starts before '{dependency}', although it depends on it: Core drops a dependency on a step that does not exist yet \
             when '{name}' is created (steps made by decisions and batches come later)"
        ))
    }
}

fn initialization(definition: &StepDefinition) -> Map<String, Value> {
    let entries = definition.handler.initialization.clone();
    entries.into_iter().collect()
}
