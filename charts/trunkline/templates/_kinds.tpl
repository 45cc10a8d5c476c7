{{/* Made by `make chart` from crds/: the kinds, for `fromJsonArray`. */}}
{{- define "trunkline.kinds.all" -}}["accounts", "callerids", "carriers", "credentiallists", "edges", "headermanipulationpolicies", "ipaccesscontrollists", "numbers", "originationuris", "trunks"]{{- end }}
{{- define "trunkline.kinds.tenant" -}}["credentiallists", "headermanipulationpolicies", "ipaccesscontrollists", "numbers", "originationuris", "trunks"]{{- end }}
{{- define "trunkline.kinds.platform" -}}["accounts", "callerids", "carriers", "edges"]{{- end }}
