/**
 * Which steps exist when, and what they wait for: Core 0.1.8's rules, as its server applies them.
 *
 * Not every dependency of a template becomes an edge. Steps are created with the task, by a decision, or by a batch, and
 * an edge is made only to a step that is created at the same moment. The odd cases are kept, because a test that passes
 * here and differs on the server is worse than none; what Core drops is reported when it matters.
 */

import { isMapping, type StepSpec, type TemplateSpec } from './template.ts';

/** States of a step in a run in memory. */
export type StepState = 'pending' | 'complete' | 'error' | 'waiting_for_retry';
type Mapping = Record<string, unknown>;
type Edge = readonly [parent: string, child: string];

/** Core refuses what a decision or a batch analyzer asked for; the task goes on without it. */
export class OutcomeRefused extends Error {}

/** A step that exists in the task. */
export class Node {
  readonly parents = new Set<string>();
  state: StepState = 'pending';
  result: Mapping | undefined;
  attempts = 0;

  constructor(
    readonly name: string,
    readonly spec: StepSpec,
    readonly inputs: Mapping,
    /** Made by a decision or a batch. */
    readonly late: boolean,
  ) {}
}

/** The steps of one task. */
export class TaskGraph {
  readonly nodes = new Map<string, Node>();
  readonly #steps: readonly StepSpec[];
  #started = false;

  constructor(template: TemplateSpec) {
    this.#steps = template.steps;
    const initial = this.#initialNames();
    for (const spec of this.#steps) if (initial.has(spec.name)) this.#create(spec);
    for (const node of this.nodes.values()) {
      for (const name of node.spec.dependencies) if (this.nodes.has(name)) node.parents.add(name);
    }
    this.#started = true;
  }

  /**
   * Without a decision: all but batch workers and convergence steps. With one: all that is not downstream of it but
   * batch workers; convergence steps are then created at once.
   */
  #initialNames(): Set<string> {
    const decisions = this.#steps.filter((spec) => spec.type === 'decision').map((spec) => spec.name);
    const later = decisions.length === 0 ? ['batch_worker', 'deferred_convergence'] : ['batch_worker'];
    const downstream = this.#downstream(decisions, false);
    const initial = this.#steps.filter((spec) => !later.includes(spec.type) && !downstream.has(spec.name));
    return new Set(initial.map((spec) => spec.name));
  }

  #downstream(names: readonly string[], stopAtDecisions: boolean): Set<string> {
    const found = new Set<string>();
    const frontier = [...names];
    for (let parent = frontier.pop(); parent !== undefined; parent = frontier.pop()) {
      for (const spec of this.#steps) {
        if (!spec.dependencies.includes(parent) || found.has(spec.name)) continue;
        found.add(spec.name);
        if (!(stopAtDecisions && spec.type === 'decision')) frontier.push(spec.name);
      }
    }
    return found;
  }

  /**
   * Creates the steps that a decision's `decision_point_outcome` names.
   *
   * @throws {@link OutcomeRefused} a name that is not downstream of the decision, or an edge twice.
   */
  decide(decision: Node, outcome: Mapping): void {
    if (outcome.type !== 'create_steps') return;
    const requested = Array.isArray(outcome.step_names) ? outcome.step_names.map(String) : [];
    const reachable = this.#downstream([decision.name], true);
    // Core's graph of a decision ends before the next one, which may not be named itself.
    const isDecision = (name: string) => this.#find(name)?.type === 'decision';
    const inner = new Set([...reachable].filter((name) => !isDecision(name)));
    const stray = requested.find((name) => !inner.has(name));
    if (stray !== undefined) {
      throw new OutcomeRefused(`step '${stray}' is not downstream of decision '${decision.name}'`);
    }
    const created = this.#stepsToCreate(decision.name, requested, inner, [...reachable].filter(isDecision));
    const specs = this.#steps.filter((spec) => created.has(spec.name));
    const edges = specs.flatMap((spec) => branchEdges(decision.name, spec, created));
    this.#refuseDuplicates(decision, edges);
    for (const spec of specs) this.#create(spec);
    for (const [parent, child] of edges) this.nodes.get(child)?.parents.add(parent);
  }

  #stepsToCreate(decision: string, requested: string[], inner: Set<string>, exits: string[]): Set<string> {
    const created = new Set([...requested, ...exits]);
    const grow = (from: string[], takes: (spec: StepSpec) => boolean) => {
      for (let parent = from.pop(); parent !== undefined; parent = from.pop()) {
        for (const spec of this.#steps) {
          if (!spec.dependencies.includes(parent) || created.has(spec.name) || !takes(spec)) continue;
          created.add(spec.name);
          from.push(spec.name);
        }
      }
    };
    const later = ['deferred_convergence', 'batch_worker'];
    grow([...created], (spec) => inner.has(spec.name) && !later.includes(spec.type));
    const joins = this.#steps.filter((spec) => spec.type === 'deferred_convergence');
    const reached = joins.filter((spec) => spec.dependencies.some((name) => created.has(name)));
    for (const spec of reached) created.add(spec.name);
    grow(
      joins.map((spec) => spec.name).filter((name) => created.has(name)),
      (spec) => spec.dependencies.every((name) => created.has(name) || name === decision),
    );
    return created;
  }

  #refuseDuplicates(decision: Node, edges: readonly Edge[]): void {
    for (const [parent, child] of edges) {
      const count = edges.filter(([from, to]) => from === parent && to === child).length;
      if (count === 1 && !this.nodes.get(child)?.parents.has(parent)) continue;
      throw new OutcomeRefused(
        `step '${child}' would be linked to '${parent}' twice: below decision '${decision.name}' a step may not also ` +
          'depend on a step from before the decision; remove that dependency, its result is visible anyway',
      );
    }
  }

  /**
   * Creates the worker instances of a `batch_processing_outcome` and what joins them.
   *
   * @throws {@link OutcomeRefused} the template lacks what Core needs to create them.
   */
  expand(batchable: Node, outcome: Mapping): void {
    const empty = outcome.type === 'no_batches';
    const named = empty ? batchable.spec.initialization.worker_template_name : outcome.worker_template_name;
    if (empty && !named) {
      throw new OutcomeRefused(
        `step '${batchable.name}' found nothing to do and its handler.initialization has no worker_template_name; ` +
          'Core needs it to create the placeholder',
      );
    }
    const placeholder = { batch_id: '000', start_cursor: 0, end_cursor: 0, batch_size: 0 };
    const cursors = empty ? [placeholder] : ((outcome.cursor_configs ?? []) as Mapping[]);
    const worker = this.#worker(batchable, String(named));
    const made = cursors.map((cursor) => {
      const inputs = batchInputs(worker, cursor, empty);
      const node = this.#create(worker, `${worker.name}_${cursor.batch_id}`, inputs);
      node.parents.add(batchable.name);
      return node;
    });
    for (const spec of this.#steps) {
      if (spec.type !== 'deferred_convergence' || !spec.dependencies.includes(worker.name)) continue;
      const join = this.#create(spec);
      for (const node of made) join.parents.add(node.name);
    }
  }

  #worker(batchable: Node, name: string): StepSpec {
    const worker = this.#find(name);
    if (worker?.type !== 'batch_worker') {
      throw new OutcomeRefused(
        `step '${batchable.name}' asks for batch worker '${name}', but the template has no step of that name with ` +
          'type batch_worker',
      );
    }
    if (!worker.batchConfig) throw new OutcomeRefused(`batch worker '${name}' has no batch_config in the template`);
    return worker;
  }

  #find(name: string): StepSpec | undefined {
    return this.#steps.find((spec) => spec.name === name);
  }

  /** Creates a step, or returns the one that exists already, as Core does. */
  #create(spec: StepSpec, name = spec.name, inputs: Mapping = spec.initialization): Node {
    const node = this.nodes.get(name) ?? new Node(name, spec, { ...inputs }, this.#started);
    this.nodes.set(name, node);
    return node;
  }

  /** Pending steps whose parents are all complete, in creation order. */
  ready(): Node[] {
    return [...this.nodes.values()].filter(
      (node) =>
        node.state === 'pending' && [...node.parents].every((name) => this.nodes.get(name)?.state === 'complete'),
    );
  }

  /** All steps that a step comes after, nearest first: their results are its input. */
  ancestors(node: Node): Node[] {
    const found = new Set<Node>();
    let frontier = [node];
    while (frontier.length > 0) {
      const parents = frontier.flatMap((current) =>
        [...this.nodes.values()].filter((other) => current.parents.has(other.name) && !found.has(other)),
      );
      for (const parent of parents) found.add(parent);
      frontier = [...new Set(parents)];
    }
    return [...found];
  }

  /** Why a step that is about to start does not wait for something its author wrote down. */
  earlyStart(node: Node): string | undefined {
    if (node.spec.type === 'batch_worker') return undefined; // waits for its analyzer, whatever else it names
    for (const dependency of node.spec.dependencies) {
      const made = [...this.nodes.values()].filter((other) => other.spec.name === dependency);
      if (made.length > 0 && made.every((other) => other.state === 'complete')) continue;
      // A branch that was not taken.
      if (made.length === 0 && node.late && node.spec.type === 'deferred_convergence') continue;
      return (
        `step '${node.name}' starts before '${dependency}', although it depends on it: Core drops a dependency on a ` +
        `step that does not exist yet when '${node.name}' is created (steps made by decisions and batches come later)`
      );
    }
    return undefined;
  }
}

/** A parent that is not created with the branch is replaced by the decision itself. */
function branchEdges(decision: string, spec: StepSpec, created: Set<string>): Edge[] {
  const isJoin = spec.type === 'deferred_convergence';
  return spec.dependencies.flatMap((parent): Edge[] => {
    if (created.has(parent)) return [[parent, spec.name]];
    return isJoin ? [] : [[decision, spec.name]];
  });
}

function batchInputs(worker: StepSpec, cursor: Mapping, isNoOp: boolean): Mapping {
  const { cursor_field, failure_strategy } = worker.batchConfig ?? {};
  return {
    ...worker.initialization,
    cursor,
    batch_metadata: { cursor_field, failure_strategy },
    is_no_op: isNoOp,
    __template_step_name: worker.name,
  };
}

/** The outcome object below a key of a result, if it is there. */
export function outcomeOf(result: Mapping | undefined, key: string): Mapping | undefined {
  const outcome = result?.[key];
  return isMapping(outcome) ? outcome : undefined;
}
