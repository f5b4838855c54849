{{- define "server.service" -}}
api-{{ include "tasker.fullname" . }}
{{- end -}}

{{- define "server.shutdownSeconds" -}}
{{- $config := .Values.config.orchestration | default dict -}}
{{- div (add (int64 (default 30000 $config.shutdown_timeout_ms)) 999) 1000 -}}
{{- end -}}

{{/* The backends that need a Secret of their own. */}}
{{- define "server.usesRabbitmq" -}}
{{- $queues := (.Values.config.common | default dict).queues | default dict -}}
{{- if eq (default "pgmq" $queues.backend) "rabbitmq" -}}true{{- end -}}
{{- end -}}

{{- define "server.usesRedis" -}}
{{- $cache := (.Values.config.common | default dict).cache | default dict -}}
{{- if and $cache.enabled (has (default "redis" $cache.backend) (list "redis" "dragonfly")) -}}true{{- end -}}
{{- end -}}

{{- define "server.usesRecovery" -}}
{{- if and .Values.recovery.enabled (not .Values.queueDatabase.existingSecret.name) (not (include "server.usesRabbitmq" .)) -}}true{{- end -}}
{{- end -}}

{{/* Variables of every container that runs a program of the image. */}}
{{- define "server.env" -}}
{{ include "tasker.database.env" . }}
- name: LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "server.urls.env" -}}
{{- range $name, $of := dict "PGMQ_DATABASE_URL" .Values.queueDatabase "RABBITMQ_URL" .Values.rabbitmq "REDIS_URL" .Values.redis -}}
{{- if $of.existingSecret.name }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $of.existingSecret.name }}
      key: {{ $of.existingSecret.urlKey }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "server.migrate" -}}
name: migrate
image: {{ include "tasker.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if .Values.migration.database.user }}
args: [sh, -c, "tasker-dev migrate --wait {{ .Values.migration.waitSeconds }}{{ if include "server.usesRecovery" . }} && tasker-recovery install{{ end }}"]
{{- else }}
args: [tasker-dev, migrate, --wait, {{ .Values.migration.waitSeconds | quote }}]
{{- end }}
{{ include "tasker.container.security" . }}
env:
  {{- include "server.env" . | nindent 2 }}
resources:
  {{- toYaml .Values.migration.resources | nindent 2 }}
{{- with include "tasker.database.mount" . }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Ends when somebody else has migrated the database. `--check` ends with 3 while there is something to do. */}}
{{- define "server.awaitMigration" -}}
name: await-migration
image: {{ include "tasker.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - sh
  - -c
  - |
    until tasker-dev migrate --check --wait {{ .Values.migration.waitSeconds }}; do
      [ $? = 3 ] || exit 1
      sleep 2
    done
{{ include "tasker.container.security" . }}
env:
  {{- include "server.env" . | nindent 2 }}
resources:
  {{- toYaml .Values.migration.resources | nindent 2 }}
{{- with include "tasker.database.mount" . }}
volumeMounts:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The pod of a migration Job. A hook runs before the ServiceAccount of the chart exists. The database is reached as the role that owns it. */}}
{{- define "server.migrationPod" -}}
{{- $values := deepCopy .Values -}}
{{- with .Values.migration.database -}}
{{- if .user -}}
{{- $_ := set $values "database" (mustMergeOverwrite $values.database (dict "user" .user "existingSecret" .existingSecret)) -}}
{{- end -}}
{{- end -}}
{{- with dict "Values" $values "Chart" .Chart "Release" .Release "Capabilities" .Capabilities "Template" .Template -}}
metadata:
  {{- include "tasker.podMetadata" (dict "root" . "component" "migrate") | nindent 2 }}
spec:
  restartPolicy: Never
  {{- $account := ternary "default" (include "tasker.serviceAccount" .) (eq .Values.migration.mode "hooks") }}
  {{- include "tasker.pod" (dict "root" . "component" "migrate" "account" $account) | nindent 2 }}
  containers:
    -
      {{- include "server.migrate" . | nindent 6 }}
  {{- with include "tasker.database.volume" . }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Refuses values that cannot work together. */}}
{{- define "server.check" -}}
{{- include "tasker.former" . -}}
{{- include "tasker.database.check" . -}}
{{- $shared := (.Values.global | default dict).tasker | default dict -}}
{{- with .Values.migration -}}
{{- if and .database.user (not (has .mode (list "hooks" "job"))) -}}
{{ fail (printf "migration.database.user is set, but migration.mode is %s: only a Job may have another role's password. Set migration.mode to hooks or job" .mode) }}
{{- end -}}
{{- if and .database.user (not .database.existingSecret.name) -}}
{{ fail "migration.database.user is set, but migration.database.existingSecret.name is not: name the Secret with the password of that role" }}
{{- end -}}
{{- end -}}
{{- $database := include "tasker.database" . | fromJson -}}
{{- if and .Values.migration.database.user (or $shared.database $shared.postgres $database.existingSecret.urlKey $database.secretProviderClass) -}}
{{ fail "migration.database.user is set, but the database comes from global.tasker, database.existingSecret.urlKey or database.secretProviderClass: name host and Secret in database" }}
{{- end -}}
{{- if and (eq .Values.migration.mode "hooks") ($shared.postgres | default dict).enabled -}}
{{ fail "migration.mode is hooks, and the database is made in the same release (global.tasker.postgres.enabled): a hook runs before it exists. Set orchestration.migration.mode to job" }}
{{- end -}}
{{- if and (eq .Values.migration.mode "hooks") (include "tasker.database" . | fromJson).externalSecret.enabled -}}
{{ fail "migration.mode is hooks, and database.externalSecret.enabled makes the Secret in the same release: a hook runs before it exists. Set migration.mode to job" }}
{{- end -}}
{{- if and (include "server.usesRabbitmq" .) (not .Values.rabbitmq.existingSecret.name) -}}
{{ fail "config.common.queues.backend is rabbitmq, but rabbitmq.existingSecret.name is not set: name the Secret with its URL" }}
{{- end -}}
{{- if and (include "server.usesRedis" .) (not .Values.redis.existingSecret.name) -}}
{{ fail "config.common.cache uses Redis, but redis.existingSecret.name is not set: name the Secret with its URL, or set config.common.cache.backend to moka" }}
{{- end -}}
{{- if and (not .Values.grpc.enabled) (hasKey (.Values.config.orchestration | default dict) "grpc") -}}
{{ fail "config.orchestration.grpc is set, but grpc.enabled is false: nobody could reach it. Set grpc.enabled to true" }}
{{- end -}}
{{- $fromOutside := or .Values.ingress.enabled .Values.httpRoute.enabled .Values.serviceMonitor.enabled -}}
{{- if and $fromOutside .Values.networkPolicy.enabled (eq (toJson .Values.networkPolicy.from) `[{"podSelector":{}}]`) -}}
{{ fail "networkPolicy.from lets in only pods of this namespace, but an Ingress, HTTPRoute or ServiceMonitor is on: add the namespaces of your gateway and Prometheus to it, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}, {podSelector: {}}]" }}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{ fail "ingress.enabled is true, but ingress.hosts is empty: name a host" }}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{ fail "httpRoute.enabled is true, but httpRoute.parentRefs is empty: name a Gateway" }}
{{- end -}}
{{- end -}}
