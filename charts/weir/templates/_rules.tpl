{{/* Rights to namespaced objects: in all namespaces, or in each watched one. */}}
{{- define "weir.rules" -}}
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, listenersets, httproutes, grpcroutes, tcproutes, tlsroutes, udproutes, backendtlspolicies]
  verbs: [get, list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [referencegrants]
  verbs: [list, watch]
- apiGroups: [gateway.networking.k8s.io]
  resources:
    - gateways/status
    - listenersets/status
    - httproutes/status
    - grpcroutes/status
    - tcproutes/status
    - tlsroutes/status
    - udproutes/status
    - backendtlspolicies/status
  verbs: [patch]
- apiGroups: [gateway.networking.x-k8s.io]
  resources: [xbackendtrafficpolicies]
  verbs: [get, list, watch]
- apiGroups: [gateway.networking.x-k8s.io]
  resources: [xbackendtrafficpolicies/status]
  verbs: [patch]
- apiGroups: [gateway.weir.dev]
  resources: [gatewayparameters]
  verbs: [list, watch]
- apiGroups: [gateway.weir.dev]
  resources: [backends, consumers, alertrules, notificationchannels, clienttrafficpolicies, backendtrafficpolicies, securitypolicies, ratelimitpolicies, httppolicies, extensionpolicies, telemetrypolicies]
  verbs: [get, list, watch]
- apiGroups: [gateway.weir.dev]
  resources: [backends/status, consumers/status, alertrules/status, notificationchannels/status, clienttrafficpolicies/status, backendtrafficpolicies/status, securitypolicies/status, ratelimitpolicies/status, httppolicies/status, extensionpolicies/status, telemetrypolicies/status]
  verbs: [patch]
- apiGroups: ['']
  resources: [services]
  verbs: [list, watch]
- apiGroups: ['']
  resources: [secrets, configmaps]
  verbs: [get, list, watch]
{{- if .Values.acme.enabled }}
# Certificates that Weir obtains, and the keys of its accounts.
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, create, update]
{{- end }}
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.controller.alerts.prometheusRules.enabled }}
# The PrometheusRules of alert rules.
- apiGroups: [monitoring.coreos.com]
  resources: [prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- if include "weir.ownFleets" . }}
# The objects of dedicated proxies.
- apiGroups: ['']
  resources: [services, serviceaccounts, secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [services/status]
  verbs: [patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}
{{- end -}}
