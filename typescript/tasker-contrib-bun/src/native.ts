/** The calls of Core's native module that are used, and how it is loaded. Nothing here is loaded in client mode. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TaskerStartError } from './errors.ts';

/** A claimed step, as far as it is read here. */
export interface NativeStep {
  eventId: string;
  taskUuid: string;
  stepUuid: string;
  correlationId: string;
  task: { name: string; namespace: string; version?: string; context?: Record<string, unknown> | null };
  workflowStep: {
    name: string;
    templateStepName: string;
    attempts?: number;
    maxAttempts?: number;
    inputs?: Record<string, unknown> | null;
    checkpoint?: Record<string, unknown> | null;
  };
  stepDefinition: {
    name: string;
    handlerCallable: string;
    handlerInitialization?: Record<string, unknown> | null;
    timeoutSeconds?: number | null;
    retryRetryable?: boolean;
    retryBackoff?: string;
    retryBackoffBaseMs?: number | null;
    retryMaxBackoffMs?: number | null;
  };
  dependencyResults: Record<string, { result?: unknown }>;
}

/** A domain event of a step of this process. */
export interface NativeDomainEvent {
  eventName: string;
  eventVersion: string;
  payload: unknown;
  metadata: {
    taskUuid: string;
    stepUuid?: string | null;
    stepName?: string | null;
    namespace: string;
    correlationId: string;
  };
}

/** The part of the native module that is called. */
export interface NativeModule {
  bootstrapWorker(config: object): { success: boolean; status: string; message: string; workerId?: string | null };
  getWorkerStatus(): { running: boolean };
  stopWorker(): unknown;
  transitionToGracefulShutdown(): unknown;
  pollStepEvents(): NativeStep | null;
  completeStepEvent(eventId: string, result: object): boolean;
  checkpointYieldStepEvent(eventId: string, checkpoint: object): boolean;
  pollInProcessEvents(): NativeDomainEvent | null;
}

/** What is used of `@tasker-systems/tasker`. */
export interface Core {
  FfiLayer: new (config?: { modulePath?: string }) => { load(): Promise<void>; getModule(): NativeModule };
  StepContext: { fromFfiEvent(event: NativeStep, handlerName: string): unknown };
}

/**
 * Import Core's package.
 *
 * At its import it makes loggers: they want `pino-pretty` unless TASKER_ENV is production, and take RUST_LOG as a level.
 */
export async function importCore(): Promise<Core> {
  const saved = { TASKER_ENV: process.env.TASKER_ENV, RUST_LOG: process.env.RUST_LOG };
  process.env.TASKER_ENV = 'production';
  process.env.RUST_LOG = 'warn';
  const name = '@tasker-systems/tasker';
  try {
    return (await import(name)) as Core;
  } catch (error) {
    const isMissing = message(error).includes(`'${name}'`);
    throw new TaskerStartError(
      `the worker needs the package ${name}, which ${isMissing ? 'is not installed' : `cannot be imported: ${message(error)}`}; ` +
        "the README of tasker-contrib-bun says how to get it. To only create tasks, set mode: 'client' (TASKER_MODE=client)",
    );
  } finally {
    for (const [key, value] of Object.entries(saved)) {
      if (value === undefined) delete process.env[key];
      else process.env[key] = value;
    }
  }
}

/**
 * Start the native worker.
 *
 * Core reads its environment natively, and Bun keeps `process.env` to itself, so the variables are set in the C library
 * for the moment of the boot; the file has everything else.
 */
export async function bootstrap(
  core: Core,
  toml: string,
  templates: string,
  logLevel: string,
): Promise<{ native: NativeModule; workerId: string }> {
  const layer = new core.FfiLayer();
  const folder = mkdtempSync(join(tmpdir(), 'tasker-'));
  const file = join(folder, 'worker.toml');
  const restore = await setNativeEnvironment({
    TASKER_CONFIG_PATH: file,
    TASKER_TEMPLATE_PATH: resolve(templates),
    LOG_LEVEL: logLevel,
    // A directive such as `sqlx=off` says more than the level.
    RUST_LOG: process.env.RUST_LOG || logLevel,
  });
  try {
    writeFileSync(file, toml, { mode: 0o600 });
    await layer.load();
    const native = layer.getModule();
    const result = native.bootstrapWorker({});
    if (result.status === 'already_running') {
      throw new TaskerStartError(
        'a native worker that this package did not start runs in this process already; remove that call',
      );
    }
    if (!result.success) throw new TaskerStartError(result.message);
    return { native, workerId: result.workerId ?? '' };
  } catch (error) {
    throw error instanceof TaskerStartError ? error : new TaskerStartError(message(error));
  } finally {
    restore();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function setNativeEnvironment(values: Record<string, string>): Promise<() => void> {
  const { dlopen, FFIType } = await import('bun:ffi');
  const library = process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6';
  const { symbols } = dlopen(library, {
    setenv: { args: [FFIType.cstring, FFIType.cstring, FFIType.int], returns: FFIType.int },
    unsetenv: { args: [FFIType.cstring], returns: FFIType.int },
  });
  const text = (value: string) => Buffer.from(`${value}\0`);
  const saved = Object.keys(values).map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) => {
    if (value === undefined) {
      symbols.unsetenv(text(name));
      delete process.env[name];
    } else {
      symbols.setenv(text(name), text(value), 1);
      process.env[name] = value;
    }
  };
  for (const [name, value] of Object.entries(values)) set(name, value);
  return () => {
    for (const [name, value] of saved) set(name, value);
  };
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
