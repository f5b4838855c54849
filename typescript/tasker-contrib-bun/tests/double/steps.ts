import type { NativeStep } from '../../src/native.ts';

type Parts = {
  callable: string;
  context?: Record<string, unknown>;
  results?: Record<string, unknown>;
  attempts?: number;
  inputs?: Record<string, unknown>;
  definition?: Partial<NativeStep['stepDefinition']>;
};

/** A claimed step, as Core hands it over. */
export function claimed({ callable, context, results, attempts, inputs, definition }: Parts): NativeStep {
  const records = Object.entries(results ?? {}).map(([name, result]) => [name, { result, success: true }]);
  return {
    eventId: crypto.randomUUID(),
    taskUuid: crypto.randomUUID(),
    stepUuid: crypto.randomUUID(),
    correlationId: crypto.randomUUID(),
    task: { name: 'ship', namespace: 'shop', version: '1.0.0', context: context ?? {} },
    workflowStep: {
      name: callable,
      templateStepName: callable,
      attempts: attempts ?? 0,
      maxAttempts: 3,
      inputs: inputs ?? {},
    },
    stepDefinition: {
      name: callable,
      handlerCallable: callable,
      handlerInitialization: {},
      retryRetryable: true,
      ...definition,
    },
    dependencyResults: Object.fromEntries(records),
  };
}
