{{/* Labels of every object of the release. */}}
{{- define "trunkline.labels" -}}
app.kubernetes.io/part-of: trunkline
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
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
{{- with $root.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default $root.Chart.AppVersion $image.tag | toString) -}}
{{- end -}}
{{- end }}

{{/* The operator's service account. */}}
{{- define "trunkline.operator.account" -}}
{{- default "trunkline-operator" .Values.operator.serviceAccount.name -}}
{{- end }}

{{/* How its pods are spread: as told, or over nodes where there is more than one. */}}
{{- define "trunkline.operator.spread" -}}
{{- $spread := .Values.operator.topologySpreadConstraints -}}
{{- if and (not $spread) (gt (int .Values.operator.replicas) 1) -}}
{{- $spread = list (dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway") -}}
{{- end -}}
{{- $found := list -}}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "trunkline.operator.selector" . | fromYaml)) -}}
{{- range $spread }}{{- $found = append $found (merge (dict) . $selector) -}}{{- end -}}
{{- with $found }}{{- toYaml . -}}{{- end -}}
{{- end }}

{{/* What is added to edge pods, as the operator reads it. */}}
{{- define "trunkline.edge.pods" -}}
{{- $names := dict "podLabels" "labels" "podAnnotations" "annotations" "affinity" "affinity" "env" "env" "dnsConfig" "dnsConfig" "hostAliases" "hostAliases" "runtimeClassName" "runtimeClassName" -}}
{{- $found := dict -}}
{{- range $value, $name := $names -}}
{{- with index $.Values.edge $value }}{{- $_ := set $found $name . -}}{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end }}

{{/* The PersistentVolumeClaim for recordings; empty: there is none. */}}
{{- define "trunkline.recordings.claim" -}}
{{- with .Values.recordings.volume -}}
{{- default (.create | ternary "trunkline-recordings" "") .claimName -}}
{{- end -}}
{{- end }}

{{/* The subject of every binding of the operator. */}}
{{- define "trunkline.operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "trunkline.operator.account" . }}
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
{{- else if eq .Values.dns.provider "externalDns" }}
- name: TRUNKLINE_DNS_EXTERNAL_DNS_NAMESPACE
  value: {{ .Values.dns.externalDns.namespace | quote }}
- name: TRUNKLINE_DNS_SERVER
  value: {{ .Values.dns.externalDns.server | quote }}
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

{{/* Annotations of a right of an uninstallation, if it is of the hook: call with (list . "0"), its weight. */}}
{{- define "trunkline.uninstall.right" -}}
{{- if eq (index . 0).Values.uninstall.rbac "hook" }}
  annotations:
    {{- include "trunkline.uninstall.hook" (index . 0) | nindent 4 }}
    helm.sh/hook-weight: {{ index . 1 | quote }}
{{- end }}
{{- end }}

{{/* The subject of every binding of an uninstallation. */}}
{{- define "trunkline.uninstall.subject" -}}
- kind: ServiceAccount
  name: trunkline-uninstall
  namespace: {{ .Release.Namespace }}
{{- end }}

{{/* Labels of what `helm test` consists of. */}}
{{- define "trunkline.test.labels" -}}
app.kubernetes.io/name: trunkline-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{ include "trunkline.labels" . }}
{{- end }}

{{/* Annotations of what `helm test` makes: call with its weight. What failed stays, to be looked at. */}}
{{- define "trunkline.test.hook" }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    helm.sh/hook-weight: {{ . | quote }}
{{- end }}

{{/* The subject of every binding of `helm test`. */}}
{{- define "trunkline.test.subject" -}}
- kind: ServiceAccount
  name: trunkline-test
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

{{/* How a monitor scrapes. Each metric of an edge tells its edge by itself. */}}
{{- define "trunkline.scrape" -}}
interval: {{ .interval }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if .honorLabels }}
honorLabels: true
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The names in a list of references, with commas between. */}}
{{- define "trunkline.names" -}}
{{- $names := list -}}
{{- range . }}{{- $names = append $names .name -}}{{- end -}}
{{- join "," $names -}}
{{- end }}

{{/* The namespaces that must be there before the release, each once. */}}
{{- define "trunkline.namespaces.needed" -}}
{{- $needed := without .Values.tenantNamespaces "*" -}}
{{- if eq .Values.dns.provider "externalDns" }}{{- $needed = append $needed .Values.dns.externalDns.namespace -}}{{- end -}}
{{- if not .Values.createEdgeNamespace }}{{- $needed = append $needed .Values.edgeNamespace -}}{{- end -}}
{{- without (uniq $needed) .Release.Namespace | toJson -}}
{{- end }}

{{/* Fails before anything is made: a release that fails halfway keeps its name, and `helm install` refuses it. */}}
{{- define "trunkline.namespaces.check" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" -}}
{{- $missing := list -}}
{{- range include "trunkline.namespaces.needed" . | fromJsonArray -}}
{{- if not (lookup "v1" "Namespace" "" .) }}{{- $missing = append $missing . -}}{{- end -}}
{{- end -}}
{{- if $missing -}}
{{- fail (printf "\n\nThere is no namespace %s yet: create namespaces first,\n\n    kubectl create namespace %s\n\nthen run the same command again, best as `helm upgrade --install`, which also goes on after an installation that failed." (join ", " $missing) (join "; kubectl create namespace " $missing)) -}}
{{- end -}}
{{- end -}}
{{- end }}
