/** Options that become settings; each with its default and its environment variable. */

/** Settings that are options of `TaskerServer`. Each can also be an environment variable; the option wins. */
export interface TaskerOptions {
  /** `worker` runs steps, `client` never loads the native module, `auto` decides. Default: `auto`. `TASKER_MODE` */
  mode?: 'auto' | 'worker' | 'client';
  /** Directory of the task templates. Default: `config/tasks`. `TASKER_TEMPLATE_PATH` */
  templates?: string;
  /** Seconds that running steps get at a stop. Default: 30. `TASKER_DRAIN_TIMEOUT` */
  drainTimeout?: number;
  /** Core's own log: error, warn, info, debug or trace. Default: warn. `TASKER_LOG_LEVEL` */
  logLevel?: string;
  /** test, development or production; shown in status. Default: development. `TASKER_ENVIRONMENT` */
  environment?: string;
  database?: {
    /** `postgresql://user:password@host:port/database`. `TASKER_DATABASE__URL`, `DATABASE_URL` */
    url?: string;
    /** Largest number of connections. Default: 25. `TASKER_DATABASE__POOL_SIZE` */
    poolSize?: number;
    /** Connections opened at start. Default: 5. `TASKER_DATABASE__MIN_CONNECTIONS` */
    minConnections?: number;
    /** Seconds. Default: 10. `TASKER_DATABASE__CONNECT_TIMEOUT` */
    connectTimeout?: number;
    /** Seconds. Default: 300. `TASKER_DATABASE__IDLE_TIMEOUT` */
    idleTimeout?: number;
    /** Seconds. Default: 1800. `TASKER_DATABASE__MAX_LIFETIME` */
    maxLifetime?: number;
  };
  orchestration?: {
    /** REST API. Default: `http://127.0.0.1:8080`. `TASKER_ORCHESTRATION__URL`, `TASKER_ORCHESTRATION_URL` */
    url?: string;
    /** Milliseconds for one call. Default: 30000. `TASKER_ORCHESTRATION__TIMEOUT_MS` */
    timeoutMs?: number;
    /** Repetitions. Default: 3. `TASKER_ORCHESTRATION__MAX_RETRIES` */
    maxRetries?: number;
    /** Bearer token. `TASKER_ORCHESTRATION__TOKEN` */
    token?: string;
    /** API key, in the header `X-API-Key`. `TASKER_ORCHESTRATION__API_KEY` */
    apiKey?: string;
  };
  worker?: {
    /** Steps at the same time; more wait in Core. Default: 10. `TASKER_WORKER__CONCURRENCY` */
    concurrency?: number;
    /** How steps reach the worker. Default: `PollingOnly`. `TASKER_WORKER__DELIVERY` */
    delivery?: string;
  };
  queues?: {
    /** pgmq or rabbitmq. Default: pgmq. `TASKER_QUEUES__BACKEND` */
    backend?: string;
    /** Prefix of worker queues. Default: worker. `TASKER_QUEUES__WORKER_NAMESPACE` */
    workerNamespace?: string;
    /** Seconds. Default: 30. `TASKER_QUEUES__VISIBILITY_TIMEOUT` */
    visibilityTimeout?: number;
  };
  /** Any key of Core by its dotted path. */
  core?: Record<string, unknown>;
}
