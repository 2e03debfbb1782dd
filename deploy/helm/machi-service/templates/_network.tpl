{{/* The edges of the manifest, and what every pod needs; the release's default-deny drops the rest. */}}
{{- define "machi-service.network" }}
{{- if .global.networkPolicy.enabled }}
{{- $policy := .global.networkPolicy }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{- include "machi-service.meta" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ .name }}
      app.kubernetes.io/instance: {{ .release }}
  policyTypes: [Ingress, Egress]
  ingress:
    {{- if .manifest.serves }}
    - from: [{podSelector: {matchLabels: {app.kubernetes.io/instance: {{ .release }}, machi.calls/{{ .name }}: "true"}}}]
      ports: [{port: 9090}]
    {{- end }}
    {{- if .values.routes }}
    - from:
        {{- toYaml $policy.entrance | nindent 8 }}
        {{- if .global.evaluation }}
        - {{- include "machi-service.peer" (dict "release" .release "name" "simulator") | nindent 10 }}
        {{- end }}
      ports: [{port: 8080}]
    {{- end }}
    {{- if ne .global.telemetry.monitor "none" }}
    - from: {{- toYaml $policy.monitoring | nindent 8 }}
      ports: [{port: 8080}]
    {{- end }}
    - from: [{podSelector: {matchLabels: {app.kubernetes.io/instance: {{ .release }}, app.kubernetes.io/name: operator}}}]
      ports: [{port: 8080}]
  egress:
    {{- include "machi-service.egress-dns" .global | nindent 4 }}
    {{- range .callees }}
    - to:
        - {{- include "machi-service.peer" (dict "release" $.release "name" .) | nindent 10 }}
      ports: [{port: 9090}]
    {{- end }}
    {{- include "machi-service.egress-servers" . | nindent 4 }}
    {{- if .global.evaluation }}
    - to:
        - {{- include "machi-service.peer" (dict "release" .release "name" "simulator") | nindent 10 }}
      ports: [{{ if .values.internet }}{port: 8080}, {{ end }}{port: 4317}]
    {{- end }}
    {{- if .values.internet }}
    {{- include "machi-service.egress-to" $policy.internet | nindent 4 }}
    {{- end }}
    {{- if and .values.objects .global.objectStore.url }}
    {{- include "machi-service.egress-to" $policy.objectStore | nindent 4 }}
    {{- end }}
    {{- if .global.telemetry.otlpEndpoint }}
    {{- include "machi-service.egress-to" $policy.telemetry | nindent 4 }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "machi-service.peer" -}}
podSelector: {matchLabels: {app.kubernetes.io/instance: {{ .release }}, app.kubernetes.io/name: {{ .name }}}}
{{- end -}}

{{- define "machi-service.ports" -}}
{{- range . }}
- {port: {{ . }}}
{{- end }}
{{- end -}}

{{/* Kubernetes refuses an exception that does not lie within its range: exceptions are from the whole world alone. A place that is nowhere stays closed. */}}
{{- define "machi-service.egress-to" -}}
{{- if or .cidrs .peers }}
- to:
    {{- range $cidr := .cidrs }}
    - ipBlock:
        cidr: {{ $cidr | quote }}
        {{- $closed := list }}
        {{- range $.except }}
        {{- if eq $cidr (ternary "::/0" "0.0.0.0/0" (contains ":" .)) }}{{ $closed = append $closed . }}{{ end }}
        {{- end }}
        {{- with $closed }}
        except: {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
    {{- with .peers }}{{ toYaml . | nindent 4 }}{{ end }}
  ports:
    {{- range $port := .ports }}
    {{- range $.protocols | default (list "TCP") }}
    - {port: {{ $port }}{{ if ne . "TCP" }}, protocol: {{ . }}{{ end }}}
    {{- end }}
    {{- end }}
{{- end }}
{{- end -}}

{{- define "machi-service.egress-dns" -}}
{{ include "machi-service.egress-to" (merge (dict "protocols" (list "TCP" "UDP")) .networkPolicy.dns) }}
{{- end -}}

{{/* PostgreSQL and Kafka: this release's own, an operator's, or addresses outside. */}}
{{- define "machi-service.egress-servers" -}}
{{ include "machi-service.egress-database" . }}
{{- if .global.kafkaInside }}
- to:
    - {{- include "machi-service.peer" (dict "release" .release "name" "kafka") | nindent 6 }}
  ports: [{port: 9092}]
{{- else if and .global.kafka.strimzi.enabled (empty .global.kafka.bootstrapServers) }}
- to: [{podSelector: {matchLabels: {strimzi.io/cluster: {{ .global.kafka.strimzi.cluster }}}}}]
  ports: [{port: 9093}]
{{- else }}
{{ include "machi-service.egress-to" .global.networkPolicy.kafka }}
{{- end }}
{{- end -}}

{{- define "machi-service.egress-database" -}}
{{- if .global.database.cnpg.enabled -}}
- to: [{podSelector: {matchLabels: {cnpg.io/cluster: {{ .release }}-db}}}]
  ports: [{port: 5432}]
{{- else if .global.databaseInside -}}
- to:
    - {{- include "machi-service.peer" (dict "release" .release "name" "postgres") | nindent 6 }}
  ports: [{port: 5432}]
{{- else -}}
{{- include "machi-service.egress-to" .global.networkPolicy.database -}}
{{- end }}
{{- end -}}
