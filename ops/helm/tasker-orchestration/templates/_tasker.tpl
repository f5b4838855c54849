{{/* Shared by the charts; the original is ops/helm/source/_tasker.tpl. */}}

{{- define "tasker.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 46 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Selector labels. Takes root and component. */}}
{{- define "tasker.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "tasker.labels" -}}
{{ include "tasker.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: tasker
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "tasker.image" -}}
{{- with .Values.image -}}
{{- if not .repository }}{{ fail "image.repository is not set: name the image of your worker" }}{{ end -}}
{{- if .digest -}}
{{ printf "%s@%s" .repository .digest }}
{{- else -}}
{{ printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tasker.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ default (include "tasker.fullname" .) .Values.serviceAccount.name }}
{{- else -}}
{{ default "default" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* Fails if the cluster lacks an API. Takes root, api, value and what brings it. */}}
{{- define "tasker.needs" -}}
{{- if not (.root.Capabilities.APIVersions.Has .api) -}}
{{ fail (printf "%s is on, but the cluster has no %s: install %s, or leave it off. `helm template` knows no cluster: give it --api-versions %s" .value .api .brings .api) }}
{{- end -}}
{{- end -}}

{{/* Refuses values by the names that they had in earlier versions. files/former.json comes from `former` in ops/helm/source. */}}
{{- define "tasker.former" -}}
{{- range $old, $new := .Files.Get "files/former.json" | fromJson -}}
{{- $node := $.Values -}}
{{- $isSet := true -}}
{{- range $part := splitList "." $old -}}
{{- $isSet = and $isSet (kindIs "map" $node) (hasKey $node $part) -}}
{{- if $isSet }}{{ $node = get $node $part }}{{ end -}}
{{- end -}}
{{- if $isSet -}}
{{ fail (printf "%s is called %s now: rename it in your values. ops/helm/UPGRADING.md says what else has changed" $old $new) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The database: the chart's values, with those that an umbrella gives all its charts in `global.tasker`. */}}
{{- define "tasker.database" -}}
{{- $shared := (.Values.global | default dict).tasker | default dict -}}
{{- $database := mustMergeOverwrite (deepCopy .Values.database) (deepCopy ($shared.database | default dict)) -}}
{{- if ($shared.postgres | default dict).enabled -}}
{{- $cluster := include "tasker.cluster" . -}}
{{- $_ := set $database "host" (printf "%s-rw" $cluster) -}}
{{- if not $database.existingSecret.name -}}
{{- $_ := set $database.existingSecret "name" (printf "%s-app" $cluster) -}}
{{- end -}}
{{- end -}}
{{- $database | toJson -}}
{{- end -}}

{{/* The CloudNativePG Cluster of an umbrella; its Services begin with this name. */}}
{{- define "tasker.cluster" -}}
db-{{ .Release.Name | trunc 45 | trimSuffix "-" }}
{{- end -}}

{{/* Refuses settings of the database that cannot work. */}}
{{- define "tasker.database.check" -}}
{{- $database := include "tasker.database" . | fromJson -}}
{{- $in := ternary "global.tasker.database" "database" (hasKey ((.Values.global | default dict).tasker | default dict) "database") -}}
{{- range $key := list "password" "url" -}}
{{- if hasKey $database $key -}}
{{ fail (printf "database.%s is set: a password in values stands in Helm's release and in your repository. Put it into a Secret and name that in database.existingSecret.name" $key) }}
{{- end -}}
{{- end -}}
{{- with $database -}}
{{- if and .secretProviderClass .externalSecret.enabled -}}
{{ fail "database.secretProviderClass and database.externalSecret.enabled are both set: the password comes from one of them" }}
{{- end -}}
{{- if and .secretProviderClass .existingSecret.urlKey -}}
{{ fail "database.secretProviderClass mounts a file, and database.existingSecret.urlKey needs a Secret: use one of them" }}
{{- end -}}
{{- if .externalSecret.enabled -}}
{{- include "tasker.needs" (dict "root" $ "api" "external-secrets.io/v1" "value" "database.externalSecret.enabled" "brings" "External Secrets") -}}
{{- if or (not .externalSecret.store) (not .externalSecret.remoteKey) -}}
{{ fail "database.externalSecret needs store and remoteKey: the SecretStore, and the key in it" }}
{{- end -}}
{{- else if not (or .existingSecret.name .secretProviderClass) -}}
{{ fail (printf "%s.existingSecret.name is not set: name a Secret with the database's password (key `password`) or its URL (existingSecret.urlKey). The chart makes no password" $in) }}
{{- end -}}
{{- if contains "://" .host -}}
{{ fail (printf "%s.host is the URL %q: give the host alone; a whole URL belongs into the Secret, with existingSecret.urlKey" $in (regexReplaceAll "://[^@]*@" .host "://…@")) }}
{{- end -}}
{{- if not (or .host .existingSecret.urlKey) -}}
{{ fail (printf "%s.host is not set: name the host of PostgreSQL, or the key of a whole URL in existingSecret.urlKey" $in) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tasker.database.secret" -}}
{{ default (printf "%s-database" (include "tasker.fullname" .)) (include "tasker.database" . | fromJson).existingSecret.name }}
{{- end -}}

{{/* Where the database is: either the whole URL, or what the entrypoint of the images makes it of. */}}
{{- define "tasker.database.env" -}}
{{- with include "tasker.database" . | fromJson -}}
{{- if .existingSecret.urlKey -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "tasker.database.secret" $ }}
      key: {{ .existingSecret.urlKey }}
{{- else -}}
- name: TASKER_DATABASE_PASSWORD_FILE
  value: /run/secrets/tasker/{{ .existingSecret.passwordKey }}
- name: TASKER_DATABASE_HOST
  value: {{ .host | quote }}
- name: TASKER_DATABASE_PORT
  value: {{ .port | quote }}
- name: TASKER_DATABASE_USER
  value: {{ .user | quote }}
- name: TASKER_DATABASE_NAME
  value: {{ .name | quote }}
{{- with .options }}
- name: TASKER_DATABASE_OPTIONS
  value: {{ . | quote }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tasker.database.mount" -}}
{{- if not (include "tasker.database" . | fromJson).existingSecret.urlKey -}}
- name: database
  mountPath: /run/secrets/tasker
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "tasker.database.volume" -}}
{{- with include "tasker.database" . | fromJson -}}
{{- if .secretProviderClass -}}
- name: database
  csi:
    driver: secrets-store.csi.k8s.io
    readOnly: true
    volumeAttributes:
      secretProviderClass: {{ .secretProviderClass }}
{{- else if not .existingSecret.urlKey -}}
- name: database
  secret:
    secretName: {{ include "tasker.database.secret" $ }}
    defaultMode: 0440
    items:
      - key: {{ .existingSecret.passwordKey }}
        path: {{ .existingSecret.passwordKey }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tasker.telemetry.env" -}}
{{- with .Values.telemetry.otlpEndpoint -}}
- name: TELEMETRY_ENABLED
  value: "true"
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
- name: OTEL_SERVICE_NAME
  value: {{ include "tasker.fullname" $ }}
{{- end -}}
{{- end -}}

{{/* What every pod has before its containers. Takes root, component and account. Numbers in values are floats: without int64 a great one is written as 1e+06. */}}
{{- define "tasker.pod" -}}
{{- $values := .root.Values -}}
serviceAccountName: {{ .account }}
automountServiceAccountToken: false
# A Service whose name begins with TASKER would set variables that applications take for settings.
enableServiceLinks: false
{{- with $values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with $values.securityContext }}
  {{- with .runAsUser }}
  runAsUser: {{ int64 . }}
  {{- end }}
  {{- with .runAsGroup }}
  runAsGroup: {{ int64 . }}
  {{- end }}
  {{- with .fsGroup }}
  fsGroup: {{ int64 . }}
  {{- end }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- if $values.topologySpread }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "tasker.selector" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "tasker.container.security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* Waits before SIGTERM. `sleep` of Kubernetes needs no program in the image; it is on by default since 1.30. */}}
{{- define "tasker.preStop" -}}
{{- if .Values.preStopSeconds -}}
lifecycle:
  preStop:
    {{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
    sleep:
      seconds: {{ .Values.preStopSeconds }}
    {{- else }}
    exec:
      command: [sleep, {{ .Values.preStopSeconds | quote }}]
    {{- end }}
{{- end -}}
{{- end -}}

{{/* Time until SIGKILL. Takes root, drain (seconds), what (its value) and margin. */}}
{{- define "tasker.grace" -}}
{{- $least := add .root.Values.preStopSeconds .drain -}}
{{- $given := .root.Values.terminationGracePeriodSeconds -}}
{{- if $given -}}
{{- if le (int $given) (int $least) -}}
{{ fail (printf "terminationGracePeriodSeconds is %d, but preStopSeconds (%d) and %s (%d s) need more than %d: the pod would be killed while it drains" (int $given) (int .root.Values.preStopSeconds) .what (int .drain) (int $least)) }}
{{- end -}}
{{- end -}}
terminationGracePeriodSeconds: {{ default (add $least .margin) $given | int }}
{{- end -}}

{{/* Egress that every pod has: names, the database, telemetry. */}}
{{- define "tasker.egress" -}}
- to:
    - namespaceSelector: {}
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
- ports:
    - {protocol: TCP, port: {{ (include "tasker.database" . | fromJson).port }}}
  {{- with .Values.networkPolicy.databaseTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- with .Values.telemetry.otlpEndpoint }}
- ports:
    - {protocol: TCP, port: {{ regexFind "[0-9]+$" . }}}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "tasker.podMetadata" -}}
labels:
  {{- include "tasker.selector" . | nindent 2 }}
  {{- with .root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "tasker.externalSecret" -}}
{{- with include "tasker.database" . | fromJson -}}
{{- if .externalSecret.enabled -}}
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: {{ include "tasker.database.secret" $ }}
  labels:
    {{- include "tasker.labels" (dict "root" $ "component" "database") | nindent 4 }}
spec:
  refreshInterval: {{ .externalSecret.refreshInterval }}
  secretStoreRef:
    name: {{ .externalSecret.store }}
    kind: {{ .externalSecret.storeKind }}
  target:
    name: {{ include "tasker.database.secret" $ }}
  data:
    - secretKey: {{ default .existingSecret.passwordKey .existingSecret.urlKey }}
      remoteRef:
        key: {{ .externalSecret.remoteKey }}
        {{- with .externalSecret.remoteProperty }}
        property: {{ . }}
        {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "tasker.serviceAccountObject" -}}
{{- if .Values.serviceAccount.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "tasker.serviceAccount" . }}
  labels:
    {{- include "tasker.labels" (dict "root" . "component" "account") | nindent 4 }}
  {{- with .Values.serviceAccount.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}

{{/* Takes root, component and the greatest certain number of pods. */}}
{{- define "tasker.disruptionBudget" -}}
{{- if and .root.Values.podDisruptionBudget.enabled (gt (int .pods) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "tasker.fullname" .root }}
  labels:
    {{- include "tasker.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ int64 .root.Values.podDisruptionBudget.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "tasker.selector" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* Takes root and component; scales the Deployment with the chart's name. */}}
{{- define "tasker.autoscaler" -}}
{{- with .root.Values.autoscaling -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{ fail (printf "autoscaling.minReplicas (%d) is more than autoscaling.maxReplicas (%d)" (int .minReplicas) (int .maxReplicas)) }}
{{- end -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "tasker.fullname" $.root }}
  labels:
    {{- include "tasker.labels" $ | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "tasker.fullname" $.root }}
  minReplicas: {{ int64 .minReplicas }}
  maxReplicas: {{ int64 .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .cpuPercent }}
{{- end -}}
{{- end -}}
