/** Prometheus metrics of the package, in the text format. */

import { METRICS } from './contract.ts';

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** What the worker says at the moment, by key of the contract. */
export type Gauges = Record<
  'handlersInFlight' | 'handlersCapacity' | 'handlersHung' | 'eventLoopLag' | 'workerDraining',
  number
>;

const NO_WORKER: Gauges = {
  handlersInFlight: 0,
  handlersCapacity: 0,
  handlersHung: 0,
  eventLoopLag: 0,
  workerDraining: 0,
};

/** See the module. */
export class Metrics {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #durations = new Map<string, { buckets: number[]; sum: number; count: number }>();
  /** Reads the gauges when the text is made. */
  gauges: () => Gauges = () => NO_WORKER;

  /** One more of a counter. */
  count(metric: 'handlerExecutions' | 'clientRequests', ...labels: string[]): void {
    this.#add(1, metric, labels);
  }

  /**
   * Show every outcome of these handlers at 0.
   *
   * Prometheus sees no increase in a series that begins at 1, so the first failure of a handler would be missed.
   */
  expect(handlers: Iterable<string>): void {
    for (const handler of handlers) {
      for (const outcome of METRICS.handlerExecutions?.outcomes ?? []) {
        this.#add(0, 'handlerExecutions', [handler, outcome]);
      }
    }
  }

  #add(count: number, metric: string, labels: string[]): void {
    const series = this.#counts.get(metric) ?? new Map<string, number>();
    this.#counts.set(metric, series);
    const key = labelled(METRICS[metric]?.labels ?? [], labels);
    series.set(key, (series.get(key) ?? 0) + count);
  }

  /** A handler took this long. */
  duration(handler: string, seconds: number): void {
    const series = this.#durations.get(handler) ?? { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 };
    this.#durations.set(handler, series);
    BUCKETS.forEach((limit, index) => {
      if (seconds <= limit) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    });
    series.sum += seconds;
    series.count++;
  }

  /** The text, with gauges of others by key of the contract. */
  render(more: Record<string, number> = {}): string {
    const lines: string[] = [];
    const gauges: Record<string, number> = { ...this.gauges(), ...more };
    for (const [key, metric] of Object.entries(METRICS)) {
      lines.push(`# HELP ${metric.name} ${metric.doc}`, `# TYPE ${metric.name} ${metric.kind}`);
      if (key in gauges) lines.push(`${metric.name} ${gauges[key]}`);
      for (const [labels, value] of this.#counts.get(key) ?? []) lines.push(`${metric.name}${labels} ${value}`);
      if (key === 'handlerDuration') {
        for (const [handler, { buckets, sum, count }] of this.#durations) {
          const name = escaped(handler);
          BUCKETS.forEach((limit, index) => {
            lines.push(`${metric.name}_bucket{handler="${name}",le="${limit}"} ${buckets[index]}`);
          });
          lines.push(`${metric.name}_bucket{handler="${name}",le="+Inf"} ${count}`);
          lines.push(
            `${metric.name}_sum{handler="${name}"} ${sum}`,
            `${metric.name}_count{handler="${name}"} ${count}`,
          );
        }
      }
    }
    return `${lines.join('\n')}\n`;
  }
}

function labelled(names: readonly string[], values: readonly string[]): string {
  return `{${names.map((name, index) => `${name}="${escaped(values[index] ?? '')}"`).join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
