export * from './client.ts';
export { PermanentError, RetryableError, TaskerConfigError, TaskerStartError } from './errors.ts';
