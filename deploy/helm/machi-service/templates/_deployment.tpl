{{/* The pod's settings: what the release decides, then what stands in for platforms in an evaluation, then the chart's own. */}}
{{- define "machi-service.settings" -}}
{{- $peers := list -}}
{{- range .callees }}{{- $peers = append $peers (printf "%s=dns:///%s-%s:9090" . $.release .) }}{{- end -}}
MACHI_HTTP_ADDRESS: 0.0.0.0:8080
MACHI_RPC_ADDRESS: 0.0.0.0:9090
MACHI_KEYS_DIR: /var/run/machi/keys
MACHI_RELEASE: {{ .release }}
MACHI_SUBJECT_PREFIX: "system:serviceaccount:{{ .root.Release.Namespace }}:{{ .release }}-"
MACHI_PEERS: {{ join "," $peers | quote }}
MACHI_DEFAULT_TENANT: {{ .global.tenant }}
MACHI_TENANTS: {{ join "," .global.moreTenants | quote }}
{{ include "machi-service.kafka-settings" . }}
{{- with .global.publicUrl | default (ternary (printf "http://%s-%s:8080" .release .name) "" .global.evaluation) }}
PUBLIC_URL: {{ . }}
{{- end }}
{{- with .global.telemetry.otlpEndpoint | default (ternary (printf "http://%s-simulator:4317" .release) "" .global.evaluation) }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . }}
{{- end }}
{{- if .values.objects }}
OBJECT_STORE_URL: {{ .global.objectStore.url | default "file:///data/objects" }}
{{- end }}
{{- if and .values.channel .global.channels.existingSecret }}
MACHI_CHANNELS_DIR: /etc/machi/channels
{{- end }}
{{- end -}}

{{- define "machi-service.env" -}}
{{- $all := include "machi-service.settings" . | fromYaml -}}
{{- if .global.evaluation }}{{- range $name, $value := .values.evaluation.settings }}{{- $_ := set $all $name (tpl (toString $value) $) }}{{- end }}{{- end -}}
{{- range $name, $value := .values.settings }}{{- $_ := set $all $name (tpl (toString $value) $) }}{{- end -}}
{{- range $name, $value := $all }}
- {name: {{ $name }}, value: {{ toString $value | quote }}}
{{- end }}
{{- end -}}

{{- define "machi-service.deployment" }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "machi-service.meta" . | nindent 2 }}
  {{- with merge (dict) .values.deploymentAnnotations .global.deploymentAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- if eq .values.autoscaling.kind "none" }}
  replicas: {{ .values.replicas }}
  {{- end }}
  revisionHistoryLimit: 3
  selector:
    matchLabels: {{- include "machi-service.selector" . | nindent 6 }}
  {{- if include "machi-service.disk" . }}
  strategy: {type: Recreate} # a disk of one node: the new pod cannot have it while the old one has
  {{- else }}
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  {{- end }}
  template:
    metadata:
      labels:
        {{- include "machi-service.labels" . | nindent 8 }}
        {{- range .callees }}
        machi.calls/{{ . }}: "true"
        {{- end }}
      annotations:
        checksum/manifest: {{ .text | sha256sum }}
        {{- with list .global.secretsRevision .values.secretsRevision | compact }}
        machi/secrets-revision: {{ join "." . | quote }}
        {{- end }}
        {{- with .values.annotations }}{{ toYaml . | nindent 8 }}{{- end }}
    spec:
      serviceAccountName: {{ include "machi-service.fullname" . }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ .values.graceSeconds }}
      {{- include "machi-service.placing" . | nindent 6 }}
      securityContext: {{- include "machi-service.pod-security" . | nindent 8 }}
      containers:
        - name: pod
          {{- include "machi-service.image" . | nindent 10 }}
          ports: [{name: http, containerPort: 8080}, {name: rpc, containerPort: 9090}]
          env: {{- include "machi-service.env" . | nindent 12 }}
          {{- include "machi-service.probes" . | nindent 10 }}
          resources: {{- toYaml .values.resources | nindent 12 }}
          securityContext: {{- include "machi-service.container-security" . | nindent 12 }}
          volumeMounts:
            - {name: keys, mountPath: /var/run/machi/keys, readOnly: true}
            - {name: secrets, mountPath: /run/secrets/machi, readOnly: true}
            - {name: tmp, mountPath: /tmp}
            {{- if and .values.channel .global.channels.existingSecret }}
            - {name: channels, mountPath: /etc/machi/channels, readOnly: true}
            {{- end }}
            {{- if include "machi-service.disk" . }}
            - {name: data, mountPath: /data}
            {{- end }}
      volumes:
        - {{- include "machi-service.keys-volume" . | nindent 10 }}
        - {{- include "machi-service.secrets-volume" . | nindent 10 }}
        - name: tmp
          emptyDir: {sizeLimit: 256Mi}
        {{- if and .values.channel .global.channels.existingSecret }}
        - name: channels
          projected:
            defaultMode: 0440
            sources:
              {{- $file := printf "%s.yaml" .values.channel }}
              {{- range .global.moreTenants }}
              - secret: {name: {{ $.global.channels.existingSecret }}, optional: true, items: [{key: {{ . }}.{{ $file }}, path: {{ . }}/{{ $file }}}]}
              {{- end }}
        {{- end }}
        {{- if include "machi-service.disk" . }}
        - name: data
          persistentVolumeClaim: {claimName: {{ include "machi-service.fullname" . }}}
        {{- end }}
{{- if include "machi-service.disk" . }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "machi-service.meta" . | nindent 2 }}
  annotations: {helm.sh/resource-policy: keep}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .global.objectStore.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources: {requests: {storage: {{ .global.objectStore.storage }}}}
{{- end }}
{{- end -}}

{{/* Photos on a disk: only where no object store is named. */}}
{{- define "machi-service.disk" -}}
{{- if and .values.objects (empty .global.objectStore.url) }}yes{{ end -}}
{{- end -}}

{{- define "machi-service.placing" -}}
{{- include "machi-service.nodes" . }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "machi-service.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end -}}

{{/* Which nodes may run it, and with which credentials they fetch it: Jobs, too. */}}
{{- define "machi-service.nodes" -}}
{{- with .global.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - {name: {{ . }}}
{{- end }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Readiness is lost slower than it is won: while a manifest changes hands, the new pod is there before the old one goes. */}}
{{- define "machi-service.probes" -}}
startupProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 1, failureThreshold: 120}
livenessProbe: {httpGet: {path: /livez, port: http}, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3}
readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 3, timeoutSeconds: 3, failureThreshold: 3}
lifecycle: {preStop: {sleep: {seconds: {{ .values.preStopSeconds }}}}}
{{- end -}}
