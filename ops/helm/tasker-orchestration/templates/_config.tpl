{{/* Core's complete file: it needs every key of a section that is there, and ignores those that it does not have. */}}
{{- define "server.config" -}}
{{- $table := .Files.Get "files/core-config.json" | fromJson -}}
{{- $on := include "server.sections" . | fromJson -}}
{{- $written := dict
      "common.database.url" "${DATABASE_URL}"
      "common.pgmq_database.url" "${PGMQ_DATABASE_URL}"
      "common.queues.rabbitmq.url" "${RABBITMQ_URL}"
      "common.cache.redis.url" "${REDIS_URL}"
      "orchestration.web.bind_address" "0.0.0.0:8080"
      "orchestration.grpc.bind_address" "0.0.0.0:9190" -}}
# Rendered by the chart from its values. Core fills in what stands in ${…} when it starts.
{{- range $section := $table.sections }}
{{- $given := include "server.given" (dict "config" $.Values.config "path" $section.path) | fromJson }}
{{- $used := true }}
{{- range $section.optional }}{{ $used = and $used (hasKey $on .) }}{{ end }}
{{- if $used }}

[{{ $section.path }}]
{{- end }}
{{- range $key := $section.keys }}
{{- $path := printf "%s.%s" $section.path $key.name }}
{{- $value := $key.default }}
{{- if hasKey $given $key.name }}
{{- with get $table.owned $path }}{{ fail (printf "config.%s is written by the chart: %s" $path .) }}{{ end }}
{{- $value = get $given $key.name }}
{{- end }}
{{- if hasKey $written $path }}{{ $value = get $written $path }}{{ end }}
{{- if $used }}
{{ $key.name }} = {{ include "server.toml" (dict "type" $key.type "value" $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The keys that values set in a section. */}}
{{- define "server.given" -}}
{{- $node := .config -}}
{{- range $part := splitList "." .path -}}{{- $node = get $node $part | default dict -}}{{- end -}}
{{- $node | toJson -}}
{{- end -}}

{{/* Optional sections that are used: what values or other settings of the chart call for. */}}
{{- define "server.sections" -}}
{{- $on := dict "orchestration.web" true -}}
{{- $cache := include "server.given" (dict "config" .Values.config "path" "common.cache") | fromJson -}}
{{- if $cache }}{{ $_ := set $on "common.cache" true }}{{ end -}}
{{- if include "server.usesRedis" . }}{{ $_ := set $on "common.cache.redis" true }}{{ end -}}
{{- if eq (default "" $cache.backend) "moka" }}{{ $_ := set $on "common.cache.moka" true }}{{ end -}}
{{- if include "server.usesRabbitmq" . }}{{ $_ := set $on "common.queues.rabbitmq" true }}{{ end -}}
{{- if .Values.queueDatabase.existingSecret.name }}{{ $_ := set $on "common.pgmq_database" true }}{{ end -}}
{{- if include "server.given" (dict "config" .Values.config "path" "orchestration.web.auth") | fromJson }}{{ $_ := set $on "orchestration.web.auth" true }}{{ end -}}
{{- if .Values.grpc.enabled }}{{ $_ := set $on "orchestration.grpc" true }}{{ end -}}
{{- $on | toJson -}}
{{- end -}}

{{/* A value in TOML. YAML's numbers are floats in a template, and Core takes no 60.0 for a whole number. */}}
{{- define "server.toml" -}}
{{- if eq .type "int" -}}{{ int64 .value }}
{{- else if eq .type "float" -}}{{ $text := toString .value }}{{ $text }}{{ if not (regexMatch "[.e]" $text) }}.0{{ end }}
{{- else if eq .type "int_list" -}}[{{ range $i, $item := .value }}{{ if $i }}, {{ end }}{{ int64 $item }}{{ end }}]
{{- else -}}{{ toRawJson .value }}
{{- end -}}
{{- end -}}
