{{/* Headless: gRPC balances over the pods' own addresses. */}}
{{- define "machi-service.service" }}
---
apiVersion: v1
kind: Service
metadata: {{- include "machi-service.meta" . | nindent 2 }}
spec:
  clusterIP: None
  selector: {{- include "machi-service.selector" . | nindent 4 }}
  ports: [{name: http, port: 8080, targetPort: http}, {name: rpc, port: 9090, targetPort: rpc}]
{{- if has "machi.pods.v1.PodRegistryService" (include "machi-service.served" . | fromYamlArray) }}
---
# The registry is asked before anything is ready: what it installs is what makes pods ready, itself too.
apiVersion: v1
kind: Service
metadata:
  name: {{ .release }}-registry
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "machi-service.labels" . | nindent 4 }}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- include "machi-service.selector" . | nindent 4 }}
  ports: [{name: rpc, port: 9090, targetPort: rpc}]
{{- end }}
{{- end -}}

{{- define "machi-service.served" -}}
{{- $served := list -}}
{{- range .manifest.serves }}{{- $served = append $served .service -}}{{- end -}}
{{- toYaml $served -}}
{{- end -}}

{{- define "machi-service.account" }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{- include "machi-service.meta" . | nindent 2 }}
automountServiceAccountToken: false
{{- end -}}

{{/* One at a time, also where there is only one: a budget that lets none go would stop every drain of a node. */}}
{{- define "machi-service.budget" }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "machi-service.meta" . | nindent 2 }}
spec:
  maxUnavailable: 1
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "machi-service.selector" . | nindent 6 }}
{{- end -}}

{{- define "machi-service.autoscaler" }}
{{- $auto := .values.autoscaling }}
{{- $kafka := .global.kafka }}
{{- $sasl := contains "SASL" (include "machi-service.kafka-settings" .) }}
{{- $user := and $sasl (or $kafka.existingSecret $kafka.strimzi.enabled) }}
{{- $known := or $user $kafka.caSecret $kafka.strimzi.enabled }}
{{- if eq $auto.kind "hpa" }}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{- include "machi-service.meta" . | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ include "machi-service.fullname" . }}}
  minReplicas: {{ $auto.min }}
  maxReplicas: {{ $auto.max }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: AverageValue, averageValue: {{ $auto.cpu }}}}
{{- else if eq $auto.kind "keda" }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{- include "machi-service.meta" . | nindent 2 }}
spec:
  scaleTargetRef: {name: {{ include "machi-service.fullname" . }}}
  minReplicaCount: {{ $auto.min }}
  maxReplicaCount: {{ $auto.max }}
  fallback: {failureThreshold: 3, replicas: {{ $auto.min }}}
  triggers:
    {{- range required (printf "%s.autoscaling.kind: keda scales by what a pod consumes, and the manifest of %s consumes nothing" .name .name) .manifest.consumes }}
    - type: kafka
      metadata:
        bootstrapServers: {{ $.global.bootstrap }}
        consumerGroup: {{ .group }}
        topic: {{ .topic }}
        lagThreshold: {{ $auto.lag | quote }}
        offsetResetPolicy: earliest
        {{- if contains "SSL" (include "machi-service.kafka-settings" $) }}
        tls: enable
        {{- end }}
        {{- if $sasl }}
        sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512") $kafka.saslMechanism }}
        {{- end }}
      {{- if $known }}
      authenticationRef: {name: {{ include "machi-service.fullname" $ }}}
      {{- end }}
    {{- end }}
{{- if $known }}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {{- include "machi-service.meta" . | nindent 2 }}
spec:
  {{- if $user }}
  env:
    - {parameter: username, name: KAFKA_SECURITY_USERNAME, containerName: pod}
  {{- end }}
  secretTargetRef:
    {{- if $kafka.strimzi.enabled }}
    - {parameter: password, name: {{ include "machi-service.fullname" . }}-kafka, key: password}
    - {parameter: ca, name: {{ $kafka.strimzi.cluster }}-cluster-ca-cert, key: ca.crt}
    {{- else }}
    {{- if $user }}
    - {parameter: password, name: {{ $kafka.existingSecret }}, key: {{ .name }}}
    {{- end }}
    {{- with $kafka.caSecret }}
    - {parameter: ca, name: {{ . }}, key: ca.crt}
    {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "machi-service.monitor" }}
{{- $kind := .global.telemetry.monitor }}
{{- if ne $kind "none" }}
---
apiVersion: monitoring.coreos.com/v1
kind: {{ $kind }}
metadata:
  name: {{ include "machi-service.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "machi-service.labels" . | nindent 4 }}
    {{- with .global.telemetry.labels }}{{ toYaml . | nindent 4 }}{{- end }}
spec:
  jobLabel: app.kubernetes.io/name
  selector:
    matchLabels: {{- include "machi-service.selector" . | nindent 6 }}
  {{ ternary "podMetricsEndpoints" "endpoints" (eq $kind "PodMonitor") }}:
    - port: http
      path: /metrics
      relabelings:
        - {sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_instance], targetLabel: machi_release}
{{- end }}
{{- end -}}

{{/* What the world reaches: webhooks and the pages of photos, nothing else. */}}
{{- define "machi-service.route" }}
{{- $entrance := .global.entrance }}
{{- if and .values.routes (eq $entrance.kind "gateway") }}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "machi-service.meta" . | nindent 2 }}
  {{- with $entrance.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    - name: {{ $entrance.gateway.name }}
      {{- with $entrance.gateway.namespace }}
      namespace: {{ . }}
      {{- end }}
      {{- with $entrance.gateway.section }}
      sectionName: {{ . }}
      {{- end }}
  hostnames: [{{ $entrance.host }}]
  rules:
    - matches:
        {{- range .values.routes }}
        - path: {type: PathPrefix, value: {{ . }}}
        {{- end }}
      backendRefs: [{name: {{ include "machi-service.fullname" . }}, port: 8080}]
{{- else if and .values.routes (eq $entrance.kind "ingress") }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "machi-service.meta" . | nindent 2 }}
  {{- with $entrance.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $entrance.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- with $entrance.tlsSecret }}
  tls: [{hosts: [{{ $entrance.host }}], secretName: {{ . }}}]
  {{- end }}
  rules:
    - host: {{ $entrance.host }}
      http:
        paths:
          {{- range .values.routes }}
          - {path: {{ . }}, pathType: Prefix, backend: {service: {name: {{ include "machi-service.fullname" $ }}, port: {name: http}}}}
          {{- end }}
{{- end }}
{{- end -}}
