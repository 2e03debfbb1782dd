{{/* Migrations come before the pods: a hook, except where the database or its addresses come with the release: a plain Job waits for them, and pods for their tables. */}}
{{- define "machi-service.migration" }}
{{- $inside := or .global.databaseInside (not (empty .global.externalSecrets.store)) }}
{{- $job := dict "component" "migration" "databaseKey" (printf "%s-owner" .name) "job" "migration" "hook" (ternary "" "pre-install,pre-upgrade" $inside) "weight" "0" }}
{{- $pod := merge $job . }}
{{- $_ := set $pod "arguments" (list "python" "-m" "machi_sdk.migrating_job" "upgrade") }}
{{- $_ := set $pod "settings" (dict "MACHI_DATABASE_PATIENCE" (ternary "300" "20" $inside)) }}
{{- include "machi-service.job" $pod }}
{{- end -}}

{{/* One Job. A plain one is named by the revision and what it does: its template cannot be changed, and a failed one is done anew by the next upgrade. A hook is replaced each time. */}}
{{- define "machi-service.job" }}
{{- $spec := include "machi-service.job-pod" . }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "machi-service.job-name" (merge (dict "spec" $spec) .) }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "machi-service.labels" . | nindent 4 }}
  {{- if .hook }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: {{ .keep | default "before-hook-creation,hook-succeeded" }}
    helm.sh/hook-output-log-policy: hook-failed
  {{- end }}
spec:
  backoffLimit: {{ ternary 0 10 (not (empty .hook)) }}
  template: {{- $spec | nindent 4 }}
{{- end -}}

{{/* At most 63 letters, for a Job's pods have it as a label: what is left out of a long name is in the hash. */}}
{{- define "machi-service.job-name" -}}
{{- $name := printf "%s-%s" (include "machi-service.fullname" .) .job -}}
{{- if and .hook (le (len $name) 63) -}}
{{- $name -}}
{{- else -}}
{{- $what := ternary $name (printf "%s %d %s" $name (int .root.Release.Revision) .spec) (not (empty .hook)) -}}
{{- printf "%s-%s" ($name | trunc 54 | trimSuffix "-") ($what | sha256sum | trunc 8) -}}
{{- end -}}
{{- end -}}

{{- define "machi-service.job-pod" -}}
metadata:
  labels:
    {{- include "machi-service.labels" . | nindent 4 }}
    {{- range .callees }}
    machi.calls/{{ . }}: "true"
    {{- end }}
spec:
  restartPolicy: Never
  {{- with .account }}
  serviceAccountName: {{ . }}
  {{- end }}
  automountServiceAccountToken: {{ .api | default false }}
  enableServiceLinks: false
  {{- include "machi-service.nodes" . | nindent 2 }}
  securityContext: {{- include "machi-service.pod-security" . | nindent 4 }}
  containers:
    - name: job
      {{- include "machi-service.image" . | nindent 6 }}
      command: {{ toJson .arguments }}
      {{- with .settings }}
      env:
        {{- range $name, $value := . }}
        - {name: {{ $name }}, value: {{ toString $value | quote }}}
        {{- end }}
      {{- end }}
      resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {memory: 384Mi}}
      securityContext: {{- include "machi-service.container-security" . | nindent 8 }}
      terminationMessagePolicy: FallbackToLogsOnError
      volumeMounts:
        - {name: tmp, mountPath: /tmp}
        {{- range .mounts }}
        - {{ toJson . }}
        {{- end }}
        {{- if .databaseKey }}
        - {name: secrets, mountPath: /run/secrets/machi, readOnly: true}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
    {{- range .volumes }}
    - {{ toJson . }}
    {{- end }}
    {{- if .databaseKey }}
    - name: secrets
      projected:
        defaultMode: 0440
        sources: {{- include "machi-service.database-secret" . | nindent 10 }}
    {{- end }}
{{- end -}}

{{/* The operator's verbs: `machi release ...` with manifests, topics, and tokens as files. */}}
{{- define "machi-service.operator" -}}
{{- $pods := .pods -}}
{{- $tokens := dict "release" .release "global" .global "callees" $pods -}}
{{- $secrets := ternary (include "machi-service.kafka-secret" .) "" (.topics | default false) -}}
{{- $peers := list -}}
{{- range $pods -}}
{{- $host := ternary (printf "%s-registry" $.release) (printf "%s-%s" $.release .) (eq . "identity") -}}
{{- $peers = append $peers (printf "%s=dns:///%s:9090" . $host) -}}
{{- end -}}
settings:
  HOME: /tmp
  MACHI_KEYS_DIR: /var/run/machi/keys
  MACHI_RELEASE: {{ .release }}
  MACHI_PEERS: {{ join "," $peers | quote }}
  MACHI_DEFAULT_TENANT: {{ .global.tenant }}
  MACHI_RELEASE_FILES: /etc/machi/release
  {{- include "machi-service.kafka-settings" . | nindent 2 }}
mounts:
  - {name: files, mountPath: /etc/machi/release, readOnly: true}
  {{- if $pods }}
  - {name: keys, mountPath: /var/run/machi/keys, readOnly: true}
  {{- end }}
  {{- if $secrets }}
  - {name: secrets, mountPath: /run/secrets/machi, readOnly: true}
  {{- end }}
volumes:
  - name: files
    configMap: {name: {{ .files }}}
  {{- if $pods }}
  - {{- include "machi-service.keys-volume" $tokens | nindent 4 }}
  {{- end }}
  {{- with $secrets }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources: {{- . | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* A pod of the city's own, installed beside the release: its manifest goes to the registry, and leaves it again. */}}
{{- define "machi-service.own" }}
{{- if .root.Chart.IsRoot }}
{{- $files := printf "%s-manifest" (include "machi-service.fullname" .) }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $files }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "machi-service.labels" . | nindent 4 }}
data:
  manifest.{{ .name }}.yaml: {{ .text | quote }}
{{- $operator := dict "root" .root "release" .release "global" .global "values" (dict "image" (dict "repository" "machi/operator") "nodeSelector" .values.nodeSelector "tolerations" .values.tolerations) "name" "operator" "version" (include "machi-service.version" .) "component" "job" "pods" (list "identity") "callees" (list "identity") "files" $files "account" (printf "%s-operator" .release) }}
{{- $operator = merge $operator (include "machi-service.operator" $operator | fromYaml) }}
{{- $change := dict "MACHI_RELEASE_CHANGE" (.text | sha256sum | trunc 16) }}
{{- include "machi-service.job" (merge (dict "job" (printf "install-%s" .name) "arguments" (list "machi" "release" "apply") "settings" (merge $change $operator.settings)) $operator) }}
{{- include "machi-service.job" (merge (dict "job" (printf "uninstall-%s" .name) "arguments" (list "machi" "pods" "uninstall" .name) "hook" "pre-delete" "weight" "0") $operator) }}
{{- end }}
{{- end -}}
