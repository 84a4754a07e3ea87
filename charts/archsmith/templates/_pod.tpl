{{/* What every pod says so that a namespace with Pod Security "restricted" takes it. */}}
{{- define "archsmith.pod" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The same for every container. */}}
{{- define "archsmith.container" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}

{{/* The root file system is read-only: what wants a home or a temporary file finds it in /tmp. */}}
{{- define "archsmith.env.home" -}}
- {name: HOME, value: /tmp}
- {name: USER, value: archsmith}
{{- end -}}

{{/* Where the store is, without who we are. */}}
{{- define "archsmith.env.store" -}}
- {name: ARCHSMITH_S3_ENDPOINT, value: {{ include "archsmith.s3.endpoint" . | quote }}}
- {name: ARCHSMITH_STORE, value: "s3://{{ .Values.store.bucket }}"}
{{- with .Values.store.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{/* Who we are there: the keys of a Secret, (list $ "name"). */}}
{{- define "archsmith.env.credentials" -}}
{{- $secret := index . 1 -}}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: AWS_ACCESS_KEY_ID}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: AWS_SECRET_ACCESS_KEY}}
{{- end -}}

{{- define "archsmith.env.tracking" -}}
{{- with include "archsmith.tracking.uri" . }}
- {name: MLFLOW_TRACKING_URI, value: {{ . | quote }}}
{{- end }}
{{- end -}}

{{/* Where the store and MLflow are. */}}
{{- define "archsmith.env.places" -}}
{{ include "archsmith.env.store" . }}
{{- include "archsmith.env.tracking" . }}
{{- end -}}
