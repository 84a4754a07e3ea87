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
{{- with index . 1 -}}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ . | quote }}, key: AWS_ACCESS_KEY_ID}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ . | quote }}, key: AWS_SECRET_ACCESS_KEY}}
{{- end -}}
{{- end -}}

{{/* Certificates of one's own: a variable, a mount and a volume; nothing where there are none. */}}
{{- define "archsmith.ca.path" -}}
{{- if or .Values.store.caBundle.configMap .Values.store.caBundle.secret -}}/etc/ssl/archsmith/ca.crt{{- end -}}
{{- end -}}

{{- define "archsmith.env.ca" -}}
{{- with include "archsmith.ca.path" . -}}
- {name: AWS_CA_BUNDLE, value: {{ . }}}
{{- if hasPrefix "https:" (include "archsmith.tracking.uri" $) }}
- {name: MLFLOW_TRACKING_SERVER_CERT_PATH, value: {{ . }}}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "archsmith.ca.mount" -}}
{{- with include "archsmith.ca.path" . -}}
- {name: ca, mountPath: {{ dir . }}, readOnly: true}
{{- end -}}
{{- end -}}

{{- define "archsmith.ca.volume" -}}
{{- with .Values.store.caBundle -}}
{{- if .secret -}}
- {name: ca, secret: {secretName: {{ .secret | quote }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}}
{{- else if .configMap -}}
- {name: ca, configMap: {name: {{ .configMap | quote }}, items: [{key: {{ .key | quote }}, path: ca.crt}]}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The proxy on the way out; what is inside of the cluster is not reached through it. */}}
{{- define "archsmith.env.proxy" -}}
{{- with .Values.store.proxy -}}
- {name: HTTPS_PROXY, value: {{ . | quote }}}
- {name: NO_PROXY, value: {{ concat (list "localhost" "127.0.0.1" ".svc" ".cluster.local" "169.254.0.0/16") $.Values.store.noProxy | join "," | quote }}}
{{- end -}}
{{- end -}}

{{/* What all pods have that call the store: (list $ "name of the Secret"). */}}
{{- define "archsmith.env.access" -}}
{{- $root := first . -}}
{{- list (include "archsmith.env.credentials" .) (include "archsmith.env.ca" $root) (include "archsmith.env.proxy" $root) | compact | join "\n" -}}
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
