{{/* Pod Security "restricted", with numbers, so that the kubelet can check them. */}}
{{- define "machi-service.pod-security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "machi-service.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Whom to trust, the address key, and one short-lived token per callee: MACHI_KEYS_DIR as the code reads it. */}}
{{- define "machi-service.keys-volume" -}}
name: keys
projected:
  defaultMode: 0440
  sources:
    - configMap: {name: {{ .release }}-trust}
    - secret: {name: {{ .global.keysSecret }}, items: [{key: address.key, path: address.key}]}
    {{- range .callees }}
    - serviceAccountToken: {audience: {{ $.release }}/{{ . }}, expirationSeconds: 3600, path: tokens/{{ . }}}
    {{- end }}
{{- end -}}

{{/* Secrets as files, named like the settings in lower case. */}}
{{- define "machi-service.secrets-volume" -}}
name: secrets
projected:
  defaultMode: 0440
  sources:
    {{- include "machi-service.database-secret" . | nindent 4 }}
    {{- with include "machi-service.kafka-secret" . }}{{ . | nindent 4 }}{{- end }}
    {{- if and .values.objects .global.objectStore.existingSecret }}
    - secret: {name: {{ .global.objectStore.existingSecret }}}
    {{- end }}
    {{- with include "machi-service.own-secret" . }}
    - secret: {name: {{ . }}}
    {{- end }}
{{- end -}}

{{- define "machi-service.own-secret" -}}
{{- .values.secret | default (ternary (tpl .values.evaluation.secret .) "" .global.evaluation) -}}
{{- end -}}

{{/* The address, and whom to trust: an address names that file as `sslrootcert`. */}}
{{- define "machi-service.database-secret" -}}
- secret: {name: {{ .global.databaseSecret }}, items: [{key: {{ .databaseKey | default .name }}, path: database_url}]}
{{- with .global.database.caSecret }}
- secret: {name: {{ . }}, items: [{key: ca.crt, path: database-ca.crt}]}
{{- end }}
{{- end -}}

{{- define "machi-service.kafka-secret" -}}
{{- if .global.kafka.strimzi.enabled -}}
- secret: {name: {{ include "machi-service.fullname" . }}-kafka, items: [{key: password, path: kafka_security_password}]}
- secret: {name: {{ .global.kafka.strimzi.cluster }}-cluster-ca-cert, items: [{key: ca.crt, path: kafka-ca.crt}]}
{{- else -}}
{{- with .global.kafka.existingSecret }}
- secret: {name: {{ . }}, items: [{key: {{ $.name }}, path: kafka_security_password}]}
{{- end }}
{{- with .global.kafka.caSecret }}
- secret: {name: {{ . }}, items: [{key: ca.crt, path: kafka-ca.crt}]}
{{- end }}
{{- end -}}
{{- end -}}

{{/* How to reach Kafka, as settings. */}}
{{- define "machi-service.kafka-settings" -}}
{{- $kafka := .global.kafka -}}
KAFKA_BOOTSTRAP_SERVERS: {{ .global.bootstrap }}
{{- if $kafka.strimzi.enabled }}
KAFKA_SECURITY_PROTOCOL: SASL_SSL
{{- else }}
KAFKA_SECURITY_PROTOCOL: {{ $kafka.securityProtocol }}
{{- end }}
{{- if or $kafka.strimzi.enabled (contains "SASL" $kafka.securityProtocol) }}
KAFKA_SECURITY_SASL_MECHANISM: {{ $kafka.saslMechanism }}
KAFKA_SECURITY_USERNAME: {{ $kafka.username | default (printf "%s-%s-kafka" .release .name) }}
{{- end }}
{{- if or $kafka.strimzi.enabled $kafka.caSecret }}
KAFKA_SECURITY_CA_FILE: /run/secrets/machi/kafka-ca.crt
{{- end }}
{{- end -}}
