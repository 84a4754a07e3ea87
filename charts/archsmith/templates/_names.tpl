{{/* The begin of every object's name; a release may have dots in its own, and begin with a digit, but a Service may not. */}}
{{- define "archsmith.fullname" -}}
{{- $name := .Release.Name | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $name -}}
{{- $name = printf "archsmith-%s" $name -}}
{{- else if not (contains "archsmith" $name) -}}
{{- $name = printf "%s-archsmith" $name -}}
{{- end -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* What selects the pods of a component: (list $ "mlflow"). */}}
{{- define "archsmith.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: archsmith
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object of a component: (list $ "mlflow"). */}}
{{- define "archsmith.labels" -}}
{{- $root := index . 0 -}}
{{ include "archsmith.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: archsmith
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "archsmith.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{- define "archsmith.mlflow.image" -}}
{{- with .Values.mlflow.image -}}
{{- if .repository -}}
{{- printf "%s:%s" .repository (required "mlflow.image.tag is empty, but must be given together with mlflow.image.repository." .tag) -}}
{{- else -}}
{{- include "archsmith.image" $ -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether MinIO is installed: text, empty where it is not. */}}
{{- define "archsmith.minio" -}}
{{- if not .Values.store.endpoint -}}yes{{- end -}}
{{- end -}}

{{- define "archsmith.s3.endpoint" -}}
{{- .Values.store.endpoint | default (printf "http://%s-minio.%s.svc:9000" (include "archsmith.fullname" .) .Release.Namespace) -}}
{{- end -}}

{{- define "archsmith.tracking.uri" -}}
{{- if .Values.mlflow.enabled -}}
{{- printf "http://%s-mlflow.%s.svc:5000" (include "archsmith.fullname" .) .Release.Namespace -}}
{{- else -}}
{{- .Values.mlflow.uri -}}
{{- end -}}
{{- end -}}

{{/* Where people open MLflow; empty where only its Service is known. */}}
{{- define "archsmith.mlflow.pages" -}}
{{- if .Values.mlflow.pages -}}
{{- .Values.mlflow.pages -}}
{{- else if and .Values.ingress.enabled .Values.ingress.mlflowHost -}}
{{- printf "%s://%s" (ternary "https" "http" (ne .Values.ingress.tlsSecret "")) .Values.ingress.mlflowHost -}}
{{- end -}}
{{- end -}}

{{/* Path that the addresses of the pages begin with; empty where they have a host of their own, or none. */}}
{{- define "archsmith.ui.path" -}}
{{- if and .Values.ingress.enabled .Values.mlflow.enabled .Values.ingress.mlflowHost (not .Values.ingress.uiHost) -}}
/{{ required "ui.path is empty, but on the host of MLflow the pages need a path of their own, such as /searches." (trimAll "/" .Values.ui.path) }}
{{- end -}}
{{- end -}}

{{/* Where people open the pages; empty where only their Service is known. */}}
{{- define "archsmith.ui.pages" -}}
{{- with and .Values.ingress.enabled (or .Values.ingress.uiHost (ternary .Values.ingress.mlflowHost "" .Values.mlflow.enabled)) -}}
{{- printf "%s://%s%s/" (ternary "https" "http" (ne $.Values.ingress.tlsSecret "")) . (include "archsmith.ui.path" $) -}}
{{- end -}}
{{- end -}}

{{/* Names of the Secrets. */}}
{{- define "archsmith.secret.root" -}}
{{- .Values.minio.existingSecret | default (printf "%s-minio-root" (include "archsmith.fullname" .)) -}}
{{- end -}}
{{/* Empty where pods have a role in place of keys. */}}
{{- define "archsmith.secret.store" -}}
{{- if or .Values.store.existingSecret (include "archsmith.minio" .) -}}
{{- .Values.store.existingSecret | default (printf "%s-store" (include "archsmith.fullname" .)) -}}
{{- end -}}
{{- end -}}
{{- define "archsmith.secret.artifacts" -}}
{{- if or .Values.store.artifactsExistingSecret (include "archsmith.minio" .) -}}
{{- .Values.store.artifactsExistingSecret | default (printf "%s-artifacts" (include "archsmith.fullname" .)) -}}
{{- end -}}
{{- end -}}
{{/* That of the pages, which only read: a user of their own where MinIO is installed. */}}
{{- define "archsmith.secret.ui" -}}
{{- if .Values.ui.existingSecret -}}
{{- .Values.ui.existingSecret -}}
{{- else if include "archsmith.minio" . -}}
{{- printf "%s-ui" (include "archsmith.fullname" .) -}}
{{- else -}}
{{- include "archsmith.secret.store" . -}}
{{- end -}}
{{- end -}}
