{{/* One pod as every template takes it: `root` the chart's scope, `manifest`, `values`, `global`, `release`, `callees`. */}}
{{- define "machi-service.all" -}}
{{- $text := .Files.Get "service.yaml" | required (printf "chart %s has no service.yaml beside its Chart.yaml: copy the pod's manifest there" .Chart.Name) -}}
{{- $manifest := fromYaml $text -}}
{{- if ne (toString $manifest.name) .Chart.Name -}}
{{- fail (printf "chart %s holds the manifest of %v: chart and pod have one name" .Chart.Name $manifest.name) -}}
{{- end -}}
{{- $global := include "machi-service.shared" . | fromYaml -}}
{{- $values := mergeOverwrite (include "machi-service.defaults" . | fromYaml) (omit .Values "global" "machi-service") -}}
{{- $callees := include "machi-service.callees" (dict "manifest" $manifest "global" $global) | fromYamlArray -}}
{{- $pod := dict "root" . "manifest" $manifest "text" $text "values" $values "global" $global "release" $global.release "name" $manifest.name "callees" $callees -}}
{{- range list "deployment" "service" "account" "budget" "autoscaler" "monitor" "network" "route" "migration" "kafka-user" "own" }}
{{- include (printf "machi-service.%s" .) $pod }}
{{- end }}
{{- end -}}

{{/* The shared values with their defaults; the release is the city's, also for a chart installed beside it. */}}
{{- define "machi-service.shared" -}}
{{- $global := mergeOverwrite (include "machi-service.global" . | fromYaml) (.Values.global | default dict) -}}
{{- $release := $global.release | default .Release.Name -}}
{{- $inside := eq $global.profile "evaluation" -}}
{{- $given := dict "release" $release "namespace" .Release.Namespace -}}
{{- $_ := set $given "databaseInside" (empty $global.database.existingSecret) -}}
{{- $_ := set $given "databaseSecret" ($global.database.existingSecret | default (printf "%s-database" $release)) -}}
{{- $_ := set $given "keysSecret" ($global.keys.existingSecret | default (printf "%s-keys" $release)) -}}
{{- $_ := set $given "kafkaInside" (and (empty $global.kafka.bootstrapServers) (not $global.kafka.strimzi.enabled)) -}}
{{- /* A Kafka, or its password, that comes with the release is not there before it. */ -}}
{{- $_ := set $given "topicsLater" (and (not $global.kafka.strimzi.enabled) (or (empty $global.kafka.bootstrapServers) (not (empty $global.externalSecrets.store)))) -}}
{{- $_ := set $given "kafkaMade" (and $global.kafka.strimzi.enabled (empty $global.kafka.strimzi.cluster)) -}}
{{- $_ := set $global.kafka.strimzi "cluster" ($global.kafka.strimzi.cluster | default (printf "%s-kafka" $release)) -}}
{{- $bootstrap := ternary (printf "%s-kafka-bootstrap:9093" $global.kafka.strimzi.cluster) (printf "%s-kafka:9092" $release) $global.kafka.strimzi.enabled -}}
{{- $_ := set $given "bootstrap" ($global.kafka.bootstrapServers | default $bootstrap) -}}
{{- $_ := set $given "evaluation" $inside -}}
{{- mergeOverwrite $global $given | toYaml -}}
{{- end -}}

{{/* The pods this one may call. "*" stands for each that serves one of the services, and for the city's own pods. */}}
{{- define "machi-service.callees" -}}
{{- $known := include "machi-service.known" . | fromYaml -}}
{{- $found := list -}}
{{- range .manifest.calls -}}
{{- $wanted := .services -}}
{{- if ne .pod "*" -}}
{{- $found = append $found .pod -}}
{{- else -}}
{{- range $name, $serves := $known -}}
{{- range $serves -}}
{{- if has . $wanted -}}{{- $found = append $found $name -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- $found = concat $found $.global.ownPods -}}
{{- end -}}
{{- end -}}
{{- without (uniq $found) .manifest.name | sortAlpha | toYaml -}}
{{- end -}}

{{- define "machi-service.fullname" -}}{{ .release }}-{{ .name }}{{- end -}}

{{- define "machi-service.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .release }}
app.kubernetes.io/component: {{ .component | default "pod" }}
{{- end -}}

{{- define "machi-service.labels" -}}
{{ include "machi-service.selector" . }}
app.kubernetes.io/version: {{ .version | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: machi
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{- define "machi-service.meta" -}}
name: {{ include "machi-service.fullname" . }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "machi-service.labels" . | nindent 2 }}
{{- end -}}

{{/* `version` is what is not of the chart's own version: the operator, in a chart of a city's own pod. */}}
{{- define "machi-service.image" -}}
{{- $own := .values.image | default dict -}}
{{- $image := $own.repository | default (printf "machi/%s" .name) -}}
{{- if .global.image.registry }}{{- $image = printf "%s/%s" .global.image.registry $image }}{{- end -}}
{{- $tag := $own.tag | default .global.image.tag | default .version | default .root.Chart.AppVersion -}}
image: {{ ternary (printf "%s@%s" $image $tag) (printf "%s:%s" $image $tag) (hasPrefix "sha256:" $tag) | quote }}
imagePullPolicy: {{ .global.image.pullPolicy }}
{{- end -}}
