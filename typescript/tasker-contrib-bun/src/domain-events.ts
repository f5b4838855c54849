/** Domain events of this process. Core starts no poller for them. */

import type { TaskerEvents } from './events.ts';
import type { NativeModule } from './native.ts';

const PER_TURN = 100;

/** Takes what has arrived and emits it in the shape of all other events. */
export function forwardDomainEvents(native: NativeModule, events: TaskerEvents): void {
  for (let turn = 0; turn < PER_TURN; turn++) {
    const event = native.pollInProcessEvents();
    if (!event) break;
    const { metadata, payload } = event;
    // With real events the payload is Core's whole envelope; the business data is inside.
    const inner = isEnvelope(payload) ? payload.payload : payload;
    const data = { eventName: event.eventName, eventVersion: event.eventVersion, payload: inner };
    events.emit('domain:event', data, {
      taskUuid: metadata.taskUuid,
      stepUuid: metadata.stepUuid ?? null,
      step: metadata.stepName ?? null,
      namespace: metadata.namespace,
      correlationId: metadata.correlationId,
    });
  }
}

function isEnvelope(payload: unknown): payload is { payload: unknown } {
  return typeof payload === 'object' && payload !== null && 'payload' in payload && 'execution_result' in payload;
}
