{{/* Names, labels and the parts that controllers and proxies share. */}}

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
{{- define "weir.proxySecret" -}}{{ include "weir.proxy" . }}-credentials{{- end -}}

{{/* Of what belongs to no namespace. */}}
{{- define "weir.clusterName" -}}{{ .Release.Namespace }}-{{ include "weir.controller" . }}{{- end -}}

{{/* Where proxies subscribe. */}}
{{- define "weir.pushHost" -}}{{ include "weir.controller" . }}.{{ .Release.Namespace }}.svc{{- end -}}

{{/* The component is `controller` or `proxy`: (list . "proxy") */}}
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

{{/* Of pods: nothing that an upgrade changes without changing the pods. */}}
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

{{/* (list . .Values.proxy.image) */}}
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

{{/* Whether the chart installs proxies, and whether Gateways may have their own: "true" or "". */}}
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

{{/* Of a container: the restricted Pod Security Standard, with nothing to write to. */}}
{{- define "weir.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Of a pod: the user `nonroot` of the images. */}}
{{- define "weir.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{/* Where pods go: (list . "proxy") */}}
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
  - {{ merge (dict) . (dict "labelSelector" (dict "matchLabels" $selector)) | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end -}}
