{{/*
All values that the chart has, and not only those that were given: `helm upgrade --reuse-values` renders a new chart with the
values of an old one, which has none of the new keys. Every template begins with it.
*/}}
{{- define "archsmith.complete" -}}
{{- $_ := set . "Values" (mergeOverwrite (.Files.Get "files/values.yaml" | fromYaml) .Values) -}}
{{- end -}}
