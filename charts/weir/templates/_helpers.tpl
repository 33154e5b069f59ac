{{/* Names, labels, and the shared parts of controllers and proxies. */}}

{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "weir.controller" -}}{{ include "weir.fullname" . }}-controller{{- end -}}
{{- define "weir.proxy" -}}{{ include "weir.fullname" . }}-proxy{{- end -}}
{{- define "weir.caSecret" -}}{{ include "weir.fullname" . }}-ca{{- end -}}
{{- define "weir.sessionSecret" -}}{{ include "weir.fullname" . }}-sessions{{- end -}}
{{- define "weir.admin" -}}{{ include "weir.fullname" . }}-admin{{- end -}}
{{- define "weir.adminSecret" -}}{{ include "weir.admin" . }}-credentials{{- end -}}
{{- define "weir.proxySecret" -}}{{ include "weir.proxy" . }}-credentials{{- end -}}

{{/* The name of objects without a namespace. */}}
{{- define "weir.clusterName" -}}{{ .Release.Namespace }}-{{ include "weir.controller" . }}{{- end -}}

{{- define "weir.adminClusterName" -}}{{ .Release.Namespace }}-{{ include "weir.admin" . }}{{- end -}}

{{/* The address to which proxies connect. */}}
{{- define "weir.pushHost" -}}{{ include "weir.controller" . }}.{{ .Release.Namespace }}.svc{{- end -}}

{{/* The component is `controller`, `proxy` or `admin`: (list . "proxy") */}}
{{- define "weir.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "weir.labels" -}}
{{- $root := index . 0 -}}
{{ include "weir.selector" . }}
app.kubernetes.io/part-of: weir
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of pods. No value may change with every upgrade, since that would restart the pods. */}}
{{- define "weir.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "weir.selector" . }}
app.kubernetes.io/part-of: weir
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- with (index $root.Values (index . 1)).podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The name of an image: (list . .Values.proxy.image) */}}
{{- define "weir.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := $image.repository -}}
{{- with $root.Values.image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ default $root.Chart.AppVersion $root.Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* Whether the chart installs proxies, and whether Gateways may have dedicated ones: "true" or "". */}}
{{- define "weir.sharedFleet" -}}{{ if ne .Values.fleet.mode "PerGateway" }}true{{ end }}{{- end -}}
{{- define "weir.ownFleets" -}}{{ if ne .Values.fleet.mode "Shared" }}true{{ end }}{{- end -}}

{{/* A duration like 1m30s in whole seconds, rounded up. */}}
{{- define "weir.seconds" -}}
{{- $ms := 0 -}}
{{- range regexFindAll "[0-9]+(ms|h|m|s)" . -1 -}}
{{- $number := regexFind "[0-9]+" . | int64 -}}
{{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+" .) -}}
{{- $ms = add $ms (mul $number $unit) -}}
{{- end -}}
{{- div (add $ms 999) 1000 -}}
{{- end -}}

{{/* The annotations of an object, including the common ones: (list . .Values.proxy.annotations) */}}
{{- define "weir.annotations" -}}
{{- with merge (dict) (index . 1) (index . 0).Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* The ServiceAccounts of pods. */}}
{{- define "weir.controllerAccount" -}}
{{- with .Values.controller.serviceAccount }}{{ default (ternary (include "weir.controller" $) "default" .create) .name }}{{ end -}}
{{- end -}}
{{- define "weir.proxyAccount" -}}
{{- with .Values.proxy.serviceAccount }}{{ default (ternary (include "weir.proxy" $) "default" .create) .name }}{{ end -}}
{{- end -}}

{{- define "weir.adminAccount" -}}
{{- with .Values.admin.serviceAccount }}{{ default (ternary (include "weir.admin" $) "default" .create) .name }}{{ end -}}
{{- end -}}

{{/* Whether proxies use ports of their nodes: "true" or "". If so, a node can have only one of them. */}}
{{- define "weir.nodePorts" -}}
{{- $ports := .Values.proxy.hostNetwork -}}
{{- range .Values.proxy.service.ports }}{{ if .hostPort }}{{ $ports = true }}{{ end }}{{ end -}}
{{- if $ports }}true{{ end -}}
{{- end -}}

{{/* Whether controllers write the ports of listeners into the Service of the proxies: "true" or "". */}}
{{- define "weir.followGateways" -}}
{{- with .Values.proxy.service }}{{ if and .enabled .followGateways (include "weir.sharedFleet" $) }}true{{ end }}{{ end -}}
{{- end -}}

{{/* The security context of a pod: (list . "proxy"). Without hostNetwork a proxy may listen on ports below 1024 without root. */}}
{{- define "weir.podSecurity" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
{{- $context := deepCopy $values.podSecurityContext -}}
{{- if $root.Values.openshift.enabled }}{{ $context = omit $context "runAsUser" "runAsGroup" "fsGroup" }}{{ end -}}
{{- if and (eq (index . 1) "proxy") (not $values.hostNetwork) -}}
{{- $low := dict "name" "net.ipv4.ip_unprivileged_port_start" "value" "0" -}}
{{- $context = merge (dict "sysctls" (append (default list $context.sysctls) $low)) $context -}}
{{- end -}}
{{- toYaml $context -}}
{{- end -}}

{{/* A probe; without a handler it requests a path at a port: (list $probe "/livez" "probes") */}}
{{- define "weir.probe" -}}
{{- $probe := index . 0 -}}
{{- $handled := or (hasKey $probe "httpGet") (hasKey $probe "tcpSocket") (hasKey $probe "exec") (hasKey $probe "grpc") -}}
{{- $default := dict "httpGet" (dict "path" (index . 1) "port" (index . 2)) -}}
{{- toYaml (merge (dict) $probe (ternary (dict) $default $handled)) -}}
{{- end -}}

{{/* The fields of a component's container except image, arguments, environment and mounts: (list . "proxy" "probes") */}}
{{- define "weir.container" -}}
{{- $values := index (index . 0).Values (index . 1) -}}
{{- $port := index . 2 -}}
{{- with $values.startupProbe }}
startupProbe:
  {{- include "weir.probe" (list . "/livez" $port) | nindent 2 }}
{{- end }}
{{- with $values.readinessProbe }}
readinessProbe:
  {{- include "weir.probe" (list . "/readyz" $port) | nindent 2 }}
{{- end }}
{{- with $values.livenessProbe }}
livenessProbe:
  {{- include "weir.probe" (list . "/livez" $port) | nindent 2 }}
{{- end }}
{{- with $values.lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml $values.securityContext | nindent 2 }}
{{- end -}}

{{/* The fields of a pod except the chart's own container: (list . "proxy") */}}
{{- define "weir.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
securityContext:
  {{- include "weir.podSecurity" . | nindent 2 }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.hostNetwork }}
hostNetwork: true
{{- end }}
{{- with default (ternary "ClusterFirstWithHostNet" "" (default false $values.hostNetwork)) $values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with $values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.extraInitContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The address families of a Service: .Values.proxy.service */}}
{{- define "weir.families" -}}
{{- with .ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .ipFamilies }}
  ipFamilies:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* Refuses contradicting values, which the schema cannot detect. */}}
{{- define "weir.check" -}}
{{- range $part := list "controller" "proxy" -}}
{{- $values := index $.Values $part -}}
{{- range concat $values.extraInitContainers $values.extraContainers -}}
{{- if eq .name $part -}}
{{- fail (printf "%s.extraContainers: the chart itself has a container %s; choose another name" $part .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.controller -}}
{{- if and .store.url .store.claim -}}
{{- fail "controller.store: url and claim exclude each other; leave one of them empty" -}}
{{- end -}}
{{- if and .store.claim (gt (int .replicas) 1) -}}
{{- fail (printf "controller.store.claim: %d controllers cannot share a file of SQLite; set controller.replicas to 1, or controller.store.url" (int .replicas)) -}}
{{- end -}}
{{- with .alerts -}}
{{- if and .prometheusCaConfigMap.name .prometheusCaSecret.name -}}
{{- fail "controller.alerts: prometheusCaConfigMap and prometheusCaSecret exclude each other; leave one of them out" -}}
{{- end -}}
{{- if and (not .prometheusUrl) (or .prometheusTokenSecret.name .prometheusCaConfigMap.name .prometheusCaSecret.name) -}}
{{- fail "controller.alerts: a token or a CA needs controller.alerts.prometheusUrl" -}}
{{- end -}}
{{- end -}}
{{- range .extraVolumes -}}
{{- if has .name (list "store" "store-password" "prometheus") -}}
{{- fail (printf "controller.extraVolumes: the chart itself has a volume %s; choose another name" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.admin -}}
{{- if .enabled -}}
{{- if and .store.url .store.claim -}}
{{- fail "admin.store: url and claim exclude each other; leave one of them empty" -}}
{{- end -}}
{{- if not (or .store.url .store.claim) -}}
{{- fail "admin.store: users and the audit log need a store that outlives the pod; set url or claim" -}}
{{- end -}}
{{- if and .store.claim (gt (int .replicas) 1) -}}
{{- fail (printf "admin.store.claim: %d replicas cannot share a file of SQLite; set admin.replicas to 1, or admin.store.url" (int .replicas)) -}}
{{- end -}}
{{- if and .url (not .tlsSecret) -}}
{{- fail "admin.url: without admin.tlsSecret the API is served on loopback of the pod only; set it" -}}
{{- end -}}
{{- if and .oidc.issuer (not .url) -}}
{{- fail "admin.oidc.issuer: the provider sends browsers back to admin.url; set it" -}}
{{- end -}}
{{- if and .oidc.issuer (not .oidc.clientId) -}}
{{- fail "admin.oidc.issuer: the provider knows the admin API by admin.oidc.clientId; set it" -}}
{{- end -}}
{{- if and (not .oidc.issuer) (or .oidc.clientId .oidc.clientSecret.name) -}}
{{- fail "admin.oidc: clientId and clientSecret have no effect without issuer; set it" -}}
{{- end -}}
{{- if and (eq .secondFactor "Required") .store.url (not .keySecret.name) -}}
{{- fail "admin.secondFactor: with a database no second factor can begin without a key; set admin.keySecret.name" -}}
{{- end -}}
{{- end -}}
{{- range .extraVolumes -}}
{{- if has .name (list "store" "store-password" "credentials" "tls" "key" "client-secret") -}}
{{- fail (printf "admin.extraVolumes: the chart itself has a volume %s; choose another name" .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range .Values.proxy.extraVolumes -}}
{{- if has .name (list "credentials" "state" "redis" "otlp") -}}
{{- fail (printf "proxy.extraVolumes: the chart itself has a volume %s; choose another name" .name) -}}
{{- end -}}
{{- end -}}
{{- range .Values.proxy.extraEnv -}}
{{- if eq .name "WEIR_NODE_ID" -}}
{{- fail "proxy.extraEnv: the chart itself sets WEIR_NODE_ID to the name of the pod; leave it out" -}}
{{- end -}}
{{- if eq .name "WEIR_ZONE" -}}
{{- fail "proxy.extraEnv: the chart itself sets WEIR_ZONE to the zone of the pod; leave it out, or set proxy.extraArgs to --zone" -}}
{{- end -}}
{{- end -}}
{{- with .Values.proxy.service -}}
{{- if and (eq .type "ClusterIP") .externalTrafficPolicy -}}
{{- fail "proxy.service.externalTrafficPolicy: a Service of type ClusterIP has none; leave it empty, or set proxy.service.type to LoadBalancer or NodePort" -}}
{{- end -}}
{{- end -}}
{{- with .Values.proxy -}}
{{- if and (eq .kind "DaemonSet") .autoscaling.enabled -}}
{{- fail "proxy.autoscaling.enabled: a DaemonSet has a proxy on every node and cannot be scaled; set proxy.kind to Deployment" -}}
{{- end -}}
{{- $drain := add (include "weir.seconds" .drain.delay) (include "weir.seconds" .drain.timeout) -}}
{{- if and (not (kindIs "string" .terminationGracePeriodSeconds)) (lt (int64 .terminationGracePeriodSeconds) $drain) -}}
{{- fail (printf "proxy.terminationGracePeriodSeconds: %d is less than the %d seconds of proxy.drain; leave it empty, or shorten the drain" (int64 .terminationGracePeriodSeconds) $drain) -}}
{{- end -}}
{{- with .redis -}}
{{- if and (eq .mode "Single") (gt (len .addresses) 1) -}}
{{- fail (printf "proxy.redis.addresses: mode Single needs exactly one address, not %d; set proxy.redis.mode to Cluster or Sentinel" (len .addresses)) -}}
{{- end -}}
{{- if ne (eq .mode "Sentinel") (ne .masterName "") -}}
{{- fail "proxy.redis.masterName: mode Sentinel needs it, other modes have none; set or leave out both" -}}
{{- end -}}
{{- if and (ne .mode "Single") (ne (int .database) 0) -}}
{{- fail "proxy.redis.database: it is for mode Single only; leave it out" -}}
{{- end -}}
{{- if and .tls.caConfigMap.name .tls.caSecret.name -}}
{{- fail "proxy.redis.tls: caConfigMap and caSecret exclude each other; leave one of them out" -}}
{{- end -}}
{{- end -}}
{{- if and .telemetry.otlp.caConfigMap.name .telemetry.otlp.caSecret.name -}}
{{- fail "proxy.telemetry.otlp: caConfigMap and caSecret exclude each other; leave one of them out" -}}
{{- end -}}
{{- if and .accessLogOtlp (not .telemetry.otlp.endpoint) -}}
{{- fail "proxy.accessLogOtlp: needs proxy.telemetry.otlp.endpoint" -}}
{{- end -}}
{{- if and .telemetry.otlp.metrics (not .telemetry.otlp.endpoint) -}}
{{- fail "proxy.telemetry.otlp.metrics: needs proxy.telemetry.otlp.endpoint" -}}
{{- end -}}
{{- range .service.ports -}}
{{- if and $.Values.proxy.hostNetwork .hostPort (ne (int .hostPort) (int .port)) -}}
{{- fail (printf "proxy.service.ports: %s has port %d and hostPort %d; with proxy.hostNetwork both are the same, so leave hostPort out" .name (int .port) (int .hostPort)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Scheduling of pods: (list . "proxy") */}}
{{- define "weir.placement" -}}
{{- $values := index (index . 0).Values (index . 1) -}}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- $selector := include "weir.selector" . | fromYaml }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ merge (dict) . (ternary (dict) (dict "labelSelector" (dict "matchLabels" $selector)) (hasKey . "labelSelector")) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Mounts of the container of controllers for their store: a list. */}}
{{- define "weir.storeMounts" -}}
{{- if and .url .passwordSecret.name }}
- { name: store-password, mountPath: /etc/weir/store, readOnly: true }
{{- else if and .claim (not .url) }}
- { name: store, mountPath: /var/lib/weir }
{{- else }}
[]
{{- end }}
{{- end -}}

{{/* The volumes of these mounts: a list. */}}
{{- define "weir.storeVolumes" -}}
{{- if and .url .passwordSecret.name }}
- name: store-password
  secret: { secretName: {{ .passwordSecret.name }}, items: [{ key: {{ .passwordSecret.key | quote }}, path: password }] }
{{- else if and .claim (not .url) }}
- { name: store, persistentVolumeClaim: { claimName: {{ .claim }} } }
{{- else }}
[]
{{- end }}
{{- end -}}

{{/* The URL of Redis, without secrets: .Values.proxy.redis */}}
{{- define "weir.redisUrl" -}}
{{- $scheme := ternary "rediss" "redis" .tls.enabled -}}
{{- $form := get (dict "Single" "" "Cluster" "+cluster" "Sentinel" "+sentinel") .mode -}}
{{- $end := .masterName -}}
{{- if .database }}{{ $end = toString (int .database) }}{{ end -}}
{{- printf "%s%s://%s%s" $scheme $form (join "," .addresses) (ternary (printf "/%s" $end) "" (ne $end "")) -}}
{{- end -}}

{{/* What proxies read from files for Redis, with the source of each: a list. Every source is optional, so that a missing one stops no proxy. */}}
{{- define "weir.redisFiles" -}}
{{- $files := list -}}
{{- if .addresses -}}
{{- with .userSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "redis-user-file" "kind" "secret" "name" .name "key" .key "path" "user") -}}
{{- end }}{{ end -}}
{{- with .passwordSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "redis-password-file" "kind" "secret" "name" .name "key" .key "path" "password") -}}
{{- end }}{{ end -}}
{{- if .tls.enabled -}}
{{- with .tls.caConfigMap }}{{ if .name }}
{{- $files = append $files (dict "flag" "redis-tls-ca" "kind" "configMap" "name" .name "key" .key "path" "ca.crt") -}}
{{- end }}{{ end -}}
{{- with .tls.caSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "redis-tls-ca" "kind" "secret" "name" .name "key" .key "path" "ca.crt") -}}
{{- end }}{{ end -}}
{{- with .tls.certificateSecret -}}
{{- $files = append $files (dict "flag" "redis-tls-cert" "kind" "secret" "name" . "key" "tls.crt" "path" "tls.crt") -}}
{{- $files = append $files (dict "flag" "redis-tls-key" "kind" "secret" "name" . "key" "tls.key" "path" "tls.key") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* What proxies read from files for the OpenTelemetry collector, as weir.redisFiles. */}}
{{- define "weir.otlpFiles" -}}
{{- $files := list -}}
{{- if .endpoint -}}
{{- with .headersSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "otlp-headers-file" "kind" "secret" "name" .name "key" .key "path" "headers") -}}
{{- end }}{{ end -}}
{{- with .caConfigMap }}{{ if .name }}
{{- $files = append $files (dict "flag" "otlp-ca-file" "kind" "configMap" "name" .name "key" .key "path" "ca.crt") -}}
{{- end }}{{ end -}}
{{- with .caSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "otlp-ca-file" "kind" "secret" "name" .name "key" .key "path" "ca.crt") -}}
{{- end }}{{ end -}}
{{- with .certificateSecret -}}
{{- $files = append $files (dict "flag" "otlp-cert-file" "kind" "secret" "name" . "key" "tls.crt" "path" "tls.crt") -}}
{{- $files = append $files (dict "flag" "otlp-key-file" "kind" "secret" "name" . "key" "tls.key" "path" "tls.key") -}}
{{- end -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* What controllers read from files for Prometheus, as weir.redisFiles: .Values.controller.alerts */}}
{{- define "weir.prometheusFiles" -}}
{{- $files := list -}}
{{- with .prometheusTokenSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "prometheus-token-file" "kind" "secret" "name" .name "key" .key "path" "token") -}}
{{- end }}{{ end -}}
{{- with .prometheusCaConfigMap }}{{ if .name }}
{{- $files = append $files (dict "flag" "prometheus-ca-file" "kind" "configMap" "name" .name "key" .key "path" "ca.crt") -}}
{{- end }}{{ end -}}
{{- with .prometheusCaSecret }}{{ if .name }}
{{- $files = append $files (dict "flag" "prometheus-ca-file" "kind" "secret" "name" .name "key" .key "path" "ca.crt") -}}
{{- end }}{{ end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* The volume with these files: a list. Every source is optional, so that a missing one stops no controller. */}}
{{- define "weir.prometheusVolumes" -}}
{{- $sources := list -}}
{{- range include "weir.prometheusFiles" . | fromYamlArray -}}
{{- $sources = append $sources (dict .kind (dict "name" .name "optional" true "items" (list (dict "key" .key "path" .path)))) -}}
{{- end -}}
{{- if $sources -}}
{{- toYaml (list (dict "name" "prometheus" "projected" (dict "defaultMode" 288 "sources" $sources))) -}}
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* A number for a flag: at most six decimals, and no exponent. */}}
{{- define "weir.decimal" -}}
{{- regexReplaceAll "\\.?0+$" (printf "%.6f" (float64 .)) "" -}}
{{- end -}}

{{/* Labels as a list for a flag. */}}
{{- define "weir.labelList" -}}
{{- $pairs := list -}}
{{- range $name, $value := . -}}
{{- $pairs = append $pairs (printf "%s=%s" $name $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* OTEL_RESOURCE_ATTRIBUTES of proxies with an OpenTelemetry collector; values are percent-encoded. */}}
{{- define "weir.otlpAttributes" -}}
{{- $all := list "k8s.pod.name=$(WEIR_NODE_ID)" "k8s.namespace.name=$(K8S_NAMESPACE)" "k8s.node.name=$(K8S_NODE)" "weir.fleet=shared" -}}
{{- range $name, $value := .resourceAttributes -}}
{{- $all = append $all (printf "%s=%s" $name (replace "+" "%20" (urlquery $value))) -}}
{{- end -}}
{{- join "," $all -}}
{{- end -}}
