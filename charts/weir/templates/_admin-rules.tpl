{{/* Rights of the admin program to namespaced objects: in all namespaces, or in each watched one. */}}
{{- define "weir.adminRules" -}}
{{- $read := "[get, list, watch]" -}}
{{- $write := "[get, list, watch, create, update, patch, delete]" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, listenersets, httproutes, grpcroutes, tcproutes, tlsroutes, udproutes, backendtlspolicies, referencegrants]
  verbs: {{ $write }}
- apiGroups: [gateway.networking.x-k8s.io]
  resources: [xbackendtrafficpolicies]
  verbs: {{ $write }}
- apiGroups: [gateway.weir.dev]
  resources: [gatewayparameters, backends, consumers, alertrules, notificationchannels, clienttrafficpolicies, backendtrafficpolicies, securitypolicies, ratelimitpolicies, httppolicies, extensionpolicies, telemetrypolicies]
  verbs: {{ $write }}
- apiGroups: ['']
  resources: [configmaps]
  verbs: {{ $write }}
- apiGroups: ['']
  resources: [services]
  verbs: {{ ternary $write $read (eq .Values.admin.rights.services "Write") }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: {{ ternary $write $read (eq .Values.admin.rights.services "Write") }}
{{- if ne .Values.admin.rights.secrets "None" }}
- apiGroups: ['']
  resources: [secrets]
  verbs: {{ ternary $write $read (eq .Values.admin.rights.secrets "Write") }}
{{- end }}
{{- end -}}
