{{/* What a pod may do on Kafka, from its manifest; everybody reads the installed pods. */}}
{{- define "machi-service.kafka-user" }}
{{- if .global.kafka.strimzi.enabled }}
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaUser
metadata:
  name: {{ include "machi-service.fullname" . }}-kafka
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "machi-service.labels" . | nindent 4 }}
    strimzi.io/cluster: {{ .global.kafka.strimzi.cluster }}
spec:
  authentication: {type: scram-sha-512}
  authorization:
    type: simple
    acls:
      {{- range .manifest.publishes }}
      - {resource: {type: topic, name: {{ . }}, patternType: literal}, operations: [Describe, DescribeConfigs, Write]}
      {{- end }}
      - {resource: {type: topic, name: machi.pods.v1, patternType: literal}, operations: [Describe, DescribeConfigs, Read]}
      {{- range .manifest.consumes }}
      - {resource: {type: topic, name: {{ .topic }}, patternType: literal}, operations: [Describe, DescribeConfigs, Read]}
      - {resource: {type: group, name: {{ .group }}, patternType: literal}, operations: [Describe, Read]}
      {{- end }}
{{- end }}
{{- end -}}
