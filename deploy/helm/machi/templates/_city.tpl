{{/* The release as a whole: the shared values, and the manifests of its pods by name. */}}
{{- define "machi.city" -}}
{{- $global := include "machi-service.shared" . | fromYaml -}}
{{- range $global.moreTenants }}{{ if eq . $global.tenant }}{{ fail (printf "global.moreTenants: %s is there twice, global.tenant names it already" .) }}{{ end }}{{ end -}}
{{- $entrance := $global.entrance -}}
{{- if and $global.publicUrl (ne $entrance.kind "none") -}}
{{- $url := urlParse $global.publicUrl -}}
{{- if trimSuffix "/" $url.path }}{{ fail (printf "global.publicUrl: nothing leads to %s below %s: take the path away, the entrance has paths of its own" $url.path $entrance.host) }}{{ end -}}
{{- if ne (lower $url.hostname) (lower $entrance.host) }}{{ fail (printf "global.publicUrl: %s is not global.entrance.host, %s: give both the same host, or make the entrance yourself (kind: none)" $url.hostname $entrance.host) }}{{ end -}}
{{- end -}}
{{- $manifests := dict -}}
{{- range $name, $chart := .Subcharts -}}
{{- with $chart.Files.Get "service.yaml" }}{{ $_ := set $manifests $name . }}{{ end -}}
{{- end -}}
{{- $values := mergeOverwrite (dict "storage" "2Gi" "storageClass" "" "seed" true) (.Values.evaluation | default dict) -}}
{{- $operator := mergeOverwrite (dict "image" (dict) "trustSchedule" "17 * * * *" "nodeSelector" (dict) "tolerations" list) (.Values.operator | default dict) -}}
{{- dict "global" $global "release" $global.release "manifests" $manifests "pods" (concat (keys $manifests) $global.ownPods | sortAlpha) "evaluation" $values "operator" $operator | toYaml -}}
{{- end -}}

{{/* The accounts that stand in for a city's, by the names of their settings: as the channels' charts have them. */}}
{{- define "machi.accounts" -}}
{{- $line := dig "evaluation" "settings" "LINE_BOT_USER_ID" "" (index .Values "channel-line" | default dict) -}}
{{- $slack := dig "evaluation" "settings" "SLACK_TEAM_ID" "" (index .Values "channel-slack" | default dict) -}}
{{- dict "LINE_BOT_USER_ID" $line "SLACK_TEAM_ID" $slack | toYaml -}}
{{- end -}}

{{/* The pods that answer an operator. */}}
{{- define "machi.answering" -}}
{{- $found := list -}}
{{- range $name, $text := .manifests }}{{ if (fromYaml $text).serves }}{{ $found = append $found $name }}{{ end }}{{ end -}}
{{- $found | sortAlpha | toYaml -}}
{{- end -}}

{{/* What the first Job makes once, and what has to be there already: secrets by name. */}}
{{- define "machi.secrets" -}}
{{- $city := . -}}
{{- $global := .global -}}
{{- $make := list -}}
{{- $need := dict -}}
{{- if $global.keys.existingSecret }}{{ $_ := set $need $global.keys.existingSecret (list "address.key") }}
{{- else }}{{ $make = append $make (dict "name" $global.keysSecret "data" (dict "address.key" "{hex64}")) }}{{ end -}}
{{- if $global.evaluation }}
{{- $make = append $make (dict "name" (printf "%s-channels" .release) "data" (dict "line_channel_secret" "{hex32}" "line_channel_access_token" "{word}" "slack_signing_secret" "{hex32}" "slack_bot_token" "xoxb-{word}")) }}
{{- end -}}
{{- $roles := list -}}
{{- range .pods }}{{ $roles = concat $roles (list . (printf "%s-owner" .)) }}{{ end -}}
{{- if $global.databaseInside -}}
{{- $host := ternary (printf "%s-db-rw" .release) (printf "%s-postgres" .release) $global.database.cnpg.enabled -}}
{{- $data := dict -}}
{{- range $roles }}{{ $_ := set $data . (printf "postgresql://%s:{word}@%s:5432/%s" . $host (trimSuffix "-owner" .)) }}{{ end -}}
{{- if not $global.database.cnpg.enabled }}{{ $_ := set $data "administrator" (printf "postgresql://postgres:{word}@%s:5432/postgres" $host) }}{{ $_ := set $data "administrator-word" (printf "{password:%s/administrator}" $global.databaseSecret) }}{{ end -}}
{{- $make = append $make (dict "name" $global.databaseSecret "data" $data) -}}
{{- if $global.database.cnpg.enabled }}{{ range $roles -}}
{{- $make = append $make (dict "name" (printf "%s-db-%s" $city.release .) "type" "kubernetes.io/basic-auth" "data" (dict "username" . "password" (printf "{password:%s/%s}" $global.databaseSecret .))) -}}
{{- end }}{{ end -}}
{{- else }}{{ $_ := set $need $global.databaseSecret $roles }}{{ end -}}
{{- with $global.database.caSecret }}{{ $_ := set $need . (list "ca.crt") }}{{ end -}}
{{- with $global.kafka.existingSecret }}{{ $_ := set $need . (append $city.pods "operator") }}{{ end -}}
{{- with $global.kafka.caSecret }}{{ $_ := set $need . (list "ca.crt") }}{{ end -}}
{{- with $global.objectStore.existingSecret }}{{ $_ := set $need . (list) }}{{ end -}}
{{- with $global.channels.existingSecret }}{{ $_ := set $need . (list) }}{{ end -}}
{{- range $name, $chart := .charts }}{{ with and (dig "enabled" true $chart) $chart.secret }}{{ $_ := set $need . ($chart.secretKeys | default list) }}{{ end }}{{ end -}}
{{- if $global.externalSecrets.store }}{{ range $global.externalSecrets.secrets }}{{ $need = omit $need .name }}{{ end }}{{ end -}}
{{- dict "release" .release "make" $make "need" $need | toYaml -}}
{{- end -}}

{{/* The operator's image and labels, as the library's templates take a pod. */}}
{{- define "machi.operator" -}}
{{- $image := dict "repository" "machi/operator" -}}
{{- range $key, $value := .operator.image }}{{ if $value }}{{ $_ := set $image $key $value }}{{ end }}{{ end -}}
{{- dict "release" .release "global" .global "name" "operator" "component" "job" "values" (dict "image" $image "nodeSelector" .operator.nodeSelector "tolerations" .operator.tolerations) "callees" list | toYaml -}}
{{- end -}}

{{- define "machi.topics" -}}
{{- range $path, $_ := .Files.Glob "topics/*.yaml" }}
topic.{{ base $path }}: {{ $.Files.Get $path | quote }}
{{- end }}
{{- end -}}
