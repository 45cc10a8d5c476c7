{{/* Labels of every object of the release. */}}
{{- define "trunkline.labels" -}}
app.kubernetes.io/part-of: trunkline
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* What finds the operator's pods; a Deployment's selector cannot be changed. */}}
{{- define "trunkline.operator.selector" -}}
app.kubernetes.io/name: trunkline-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of the operator's objects. */}}
{{- define "trunkline.operator.labels" -}}
{{ include "trunkline.operator.selector" . }}
{{ include "trunkline.labels" . }}
{{- end }}

{{/* An image: call with (list . .Values.operator.image). */}}
{{- define "trunkline.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag | toString) -}}
{{- end }}

{{/* The subject of every binding of the operator. */}}
{{- define "trunkline.operator.subject" -}}
- kind: ServiceAccount
  name: trunkline-operator
  namespace: {{ .Release.Namespace }}
{{- end }}
