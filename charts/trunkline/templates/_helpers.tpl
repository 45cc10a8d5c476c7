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

{{/* What the operator and its uninstallation must know alike. */}}
{{- define "trunkline.operator.settings" -}}
- name: TRUNKLINE_BASE_DOMAIN
  value: {{ required "baseDomain is missing: the platform's domain, e.g. --set baseDomain=voice.example.com" .Values.baseDomain | quote }}
- name: TRUNKLINE_EDGE_NAMESPACE
  value: {{ .Values.edgeNamespace | quote }}
- name: TRUNKLINE_DNS_PROVIDER
  value: {{ .Values.dns.provider | quote }}
{{- if eq .Values.dns.provider "rfc2136" }}
{{- with .Values.dns.rfc2136 }}
- name: TRUNKLINE_DNS_SERVER
  value: {{ printf (contains ":" .server | ternary "[%s]:%d" "%s:%d") .server (int .port) | quote }}
- name: TRUNKLINE_DNS_ZONE
  value: {{ .zone | quote }}
- name: TRUNKLINE_DNS_TSIG_SECRET
  value: {{ .tsigSecretRef.name | quote }}
- name: TRUNKLINE_DNS_TSIG_KEY_NAME
  value: {{ .tsigKeyName | quote }}
- name: TRUNKLINE_DNS_TSIG_ALGORITHM
  value: {{ .tsigAlgorithm | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* What finds the pods of an uninstallation. */}}
{{- define "trunkline.uninstall.selector" -}}
app.kubernetes.io/name: trunkline-uninstall
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of what an uninstallation consists of. */}}
{{- define "trunkline.uninstall.labels" -}}
{{ include "trunkline.uninstall.selector" . }}
{{ include "trunkline.labels" . }}
{{- end }}

{{/* Made by `helm uninstall` alone. What failed stays, to be looked at, until the next try. */}}
{{- define "trunkline.uninstall.hook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* The subject of every binding of an uninstallation. */}}
{{- define "trunkline.uninstall.subject" -}}
- kind: ServiceAccount
  name: trunkline-uninstall
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* uninstall.drain in seconds. */}}
{{- define "trunkline.uninstall.drain" -}}
{{- $drain := .Values.uninstall.drain -}}
{{- mul (atoi (trimAll "smh" $drain)) (hasSuffix "h" $drain | ternary 3600 (hasSuffix "m" $drain | ternary 60 1)) -}}
{{- end }}

{{/* When an uninstallation is over in any case, in seconds from its start. */}}
{{- define "trunkline.uninstall.deadline" -}}
{{- add 270 (include "trunkline.uninstall.drain" .) -}}
{{- end }}

{{/* The names in a list of references, with commas between. */}}
{{- define "trunkline.names" -}}
{{- $names := list -}}
{{- range . }}{{- $names = append $names .name -}}{{- end -}}
{{- join "," $names -}}
{{- end }}
