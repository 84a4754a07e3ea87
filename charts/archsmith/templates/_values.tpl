{{/*
All values that the chart has, and not only those that were given: `helm upgrade --reuse-values` renders a new chart with the
values of an old one, which has none of the new keys. Every template begins with it. Requests and limits are taken as they were
given: who has removed a limit wants none.
*/}}
{{- define "archsmith.complete" -}}
{{- $defaults := .Files.Get "files/values.yaml" | fromYaml -}}
{{- range $name, $section := $defaults -}}
{{- if and (hasKey $section "resources") (kindIs "map" (index $.Values $name)) -}}
{{- if kindIs "map" (index $.Values $name "resources") -}}
{{- $_ := unset $section "resources" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set . "Values" (mergeOverwrite $defaults .Values) -}}
{{- end -}}
