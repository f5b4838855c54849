/**
 * A double of `@tasker-systems/tasker`: the part of its public surface that this package uses, over a native module that
 * keeps its steps in memory and has the limits of Core's. `scripts/check-core.ts` compares it with a checkout.
 */

import { CString, dlopen, FFIType } from 'bun:ffi';
import { existsSync, readFileSync } from 'node:fs';
import { CONFIG_KEYS, OPTIONAL_SECTIONS } from '../../src/contract.ts';
import type { NativeDomainEvent, NativeModule, NativeStep } from '../../src/native.ts';

const libc = dlopen(process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6', {
  getenv: { args: [FFIType.cstring], returns: FFIType.ptr },
}).symbols;

/** What the native side sees: not `process.env`. */
function nativeEnv(name: string): string | undefined {
  const pointer = libc.getenv(Buffer.from(`${name}\0`));
  return pointer ? new CString(pointer).toString() : undefined;
}

/** What tests look at and control. */
export interface Control {
  queue: NativeStep[];
  domainEvents: NativeDomainEvent[];
  pending: Map<string, NativeStep>;
  completions: { eventId: string; result: any }[];
  checkpoints: { eventId: string; data: any }[];
  running: boolean;
  boots: { toml: string; templates: string | undefined; logLevel: string | undefined }[];
  calls: string[];
  failBoot: string | undefined;
  failStop: string | undefined;
  /** Throw for completions for which this is true. */
  refuse: ((result: any) => boolean) | undefined;
  refuseCheckpoints: boolean;
}

/** One native module per process, as with Core; it survives a hot reload. */
const KEY = Symbol.for('tasker-double');
const place = globalThis as { [KEY]?: Control };
place[KEY] ??= {
  queue: [],
  domainEvents: [],
  pending: new Map(),
  completions: [],
  checkpoints: [],
  running: false,
  boots: [],
  calls: [],
  failBoot: undefined,
  failStop: undefined,
  refuse: undefined,
  refuseCheckpoints: false,
};
export const control: Control = place[KEY];

/** Core takes no null where a field may be left out. */
function refuseNull(value: unknown, path = 'result'): void {
  if (value === null) throw new Error(`Failed to convert napi value Null into rust type: ${path}`);
  if (typeof value !== 'object') return;
  for (const [key, item] of Object.entries(value)) {
    if (key !== 'result' && key !== 'custom') refuseNull(item, `${path}.${key}`);
  }
}

function bootstrapWorker(): ReturnType<NativeModule['bootstrapWorker']> {
  if (control.running) return { success: true, status: 'already_running', message: 'Worker already running' };
  if (control.failBoot) throw new Error(`Bootstrap failed: ${control.failBoot}`);
  const file = nativeEnv('TASKER_CONFIG_PATH');
  if (!file) throw new Error('Bootstrap failed: TASKER_CONFIG_PATH environment variable not set');
  const toml = readFileSync(file, 'utf8');
  const parsed = Bun.TOML.parse(toml) as Record<string, any>;
  for (const path of Object.keys(CONFIG_KEYS)) {
    if (path.startsWith('orchestration.')) continue;
    if (Object.keys(OPTIONAL_SECTIONS).some((section) => path.startsWith(`${section}.`))) continue;
    const value = path.split('.').reduce<any>((table, key) => table?.[key], parsed);
    if (value === undefined) throw new Error(`Bootstrap failed: missing field \`${path}\``);
  }
  const templates = nativeEnv('TASKER_TEMPLATE_PATH');
  if (!templates || !existsSync(templates)) throw new Error('Bootstrap failed: TaskTemplate directory not found');
  control.boots.push({ toml, templates, logLevel: nativeEnv('RUST_LOG') });
  control.running = true;
  return { success: true, status: 'started', message: 'Worker started', workerId: 'double-1' };
}

const native: NativeModule = {
  bootstrapWorker,
  getWorkerStatus: () => ({ running: control.running }),
  stopWorker() {
    if (control.failStop) throw new Error(control.failStop);
    control.calls.push('stopWorker');
    control.running = false;
  },
  transitionToGracefulShutdown() {
    if (control.failStop) throw new Error(control.failStop);
    control.calls.push('transitionToGracefulShutdown');
  },
  pollStepEvents() {
    if (!control.running) throw new Error('Worker not initialized — call bootstrapWorker() first');
    const event = control.queue.shift() ?? null;
    if (event) control.pending.set(event.eventId, event);
    return event;
  },
  completeStepEvent(eventId, result) {
    refuseNull(result);
    if (control.refuse?.(result)) throw new Error('Failed to convert napi value');
    if (!control.pending.delete(eventId)) return false;
    control.completions.push({ eventId, result });
    return true;
  },
  checkpointYieldStepEvent(eventId, data) {
    const event = control.pending.get(eventId);
    if (!event || control.refuseCheckpoints) return false;
    control.pending.delete(eventId);
    control.checkpoints.push({ eventId, data });
    const { cursor, itemsProcessed, accumulatedResults } = data as Record<string, unknown>;
    const checkpoint = { cursor, items_processed: itemsProcessed, accumulated_results: accumulatedResults };
    control.queue.push({
      ...event,
      eventId: crypto.randomUUID(),
      workflowStep: { ...event.workflowStep, checkpoint },
    });
    return true;
  },
  pollInProcessEvents: () => control.domainEvents.shift() ?? null,
};

export class FfiLayer {
  #module: NativeModule | null = null;

  async load(): Promise<void> {
    this.#module = native;
  }

  getModule(): NativeModule {
    if (!this.#module) throw new Error('FFI not loaded. Call load() first.');
    return this.#module;
  }
}

export class StepContext {
  readonly inputData: Record<string, unknown>;
  readonly retryCount: number;

  constructor(
    readonly event: NativeStep,
    readonly handlerName: string,
  ) {
    this.inputData = event.task.context ?? {};
    this.retryCount = event.workflowStep.attempts ?? 0;
  }

  static fromFfiEvent(event: NativeStep, handlerName: string): StepContext {
    return new StepContext(event, handlerName);
  }

  getInput<T>(key: string): T | undefined {
    return this.inputData[key] as T | undefined;
  }

  getDependencyResult(step: string): unknown {
    return this.event.dependencyResults[step]?.result ?? null;
  }
}

export class StepHandlerResult {
  readonly orchestrationMetadata = null;

  private constructor(
    readonly success: boolean,
    readonly result: Record<string, unknown> | null,
    readonly errorMessage: string | null,
    readonly errorType: string | null,
    readonly errorCode: string | null,
    readonly retryable: boolean,
    readonly metadata: Record<string, unknown>,
  ) {}

  static success(result: Record<string, unknown>, metadata: Record<string, unknown> = {}): StepHandlerResult {
    return new StepHandlerResult(true, result, null, null, null, false, metadata);
  }

  static failure(
    message: string,
    errorType = 'handler_error',
    retryable = true,
    metadata: Record<string, unknown> = {},
    errorCode?: string,
  ): StepHandlerResult {
    return new StepHandlerResult(false, null, message, errorType, errorCode ?? null, retryable, metadata);
  }

  isSuccess(): boolean {
    return this.success;
  }
}

export abstract class StepHandler {
  static handlerName: string;
  abstract call(context: StepContext): Promise<StepHandlerResult>;

  protected success(result: Record<string, unknown>): StepHandlerResult {
    return StepHandlerResult.success(result);
  }

  protected failure(message: string, errorType = 'handler_error', retryable = true): StepHandlerResult {
    return StepHandlerResult.failure(message, errorType, retryable);
  }
}

export class PermanentError extends Error {
  override readonly name = 'PermanentError';
}

export class RetryableError extends Error {
  override readonly name = 'RetryableError';
}
