{{- define "worker.check" -}}
{{- include "tasker.former" . -}}
{{- $_ := include "tasker.image" . -}}
{{- include "tasker.database.check" . -}}
{{- if not (or .Values.image.tag .Values.image.digest) -}}
{{ fail "image.tag and image.digest are empty: name the version of your worker's image" }}
{{- end -}}
{{- if not (include "worker.server" .) -}}
{{ fail "orchestrationUrl is not set: give the REST API of the server, such as http://api-tasker-tasker-orchestration:8080" }}
{{- end -}}
{{- if and .Values.keda.enabled .Values.autoscaling.enabled -}}
{{ fail "keda.enabled and autoscaling.enabled are both true: both would set the number of pods. Leave one of them off" }}
{{- end -}}
{{- if .Values.keda.enabled -}}
{{- include "tasker.needs" (dict "root" . "api" "keda.sh/v1alpha1" "value" "keda.enabled" "brings" "KEDA") -}}
{{- if not .Values.namespaces -}}
{{ fail "keda.enabled is true, but namespaces is empty: name the task namespaces whose queues are to be looked at" }}
{{- end -}}
{{- if gt (int .Values.keda.minReplicas) (int .Values.keda.maxReplicas) -}}
{{ fail (printf "keda.minReplicas (%d) is more than keda.maxReplicas (%d)" (int .Values.keda.minReplicas) (int .Values.keda.maxReplicas)) }}
{{- end -}}
{{- if (include "tasker.database" . | fromJson).secretProviderClass -}}
{{ fail "keda.enabled needs the password in a Secret, and database.secretProviderClass mounts it as a file only: use database.existingSecret or database.externalSecret" }}
{{- end -}}
{{- end -}}
{{- if and .Values.podMonitor.enabled .Values.networkPolicy.enabled (eq (toJson .Values.networkPolicy.from) `[{"podSelector":{}}]`) -}}
{{ fail "networkPolicy.from lets in only pods of this namespace, but podMonitor.enabled is true: add the namespace of your Prometheus to it, such as [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}, {podSelector: {}}]" }}
{{- end -}}
{{- end -}}

{{/* The names of the queues as a list in SQL; the schema lets only letters, digits and _ through. */}}
{{- define "worker.queues" -}}
{{- range $i, $namespace := .Values.namespaces -}}
{{ if $i }}, {{ end }}'{{ $.Values.queuePrefix }}_{{ $namespace }}_queue'
{{- end -}}
{{- end -}}

{{/* The REST API of the server: given, or that of an umbrella. */}}
{{- define "worker.server" -}}
{{- $shared := (.Values.global | default dict).tasker | default dict -}}
{{- $port := ($shared.server | default dict).port -}}
{{- $prefix := ternary .Release.Name (printf "%s-orchestration" .Release.Name) (contains "orchestration" .Release.Name) | trunc 46 | trimSuffix "-" -}}
{{- default (ternary (printf "http://api-%s:%v" $prefix $port) "" (not (empty $port))) .Values.orchestrationUrl -}}
{{- end -}}

{{- define "worker.server.port" -}}
{{- $url := include "worker.server" . -}}
{{- $port := regexFind ":[0-9]+$" $url | trimPrefix ":" -}}
{{ default (ternary "443" "80" (hasPrefix "https" $url)) $port }}
{{- end -}}
